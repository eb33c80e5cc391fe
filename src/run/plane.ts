/**
 * Whether the control plane can be reached, and from which address of this machine: others who reach the control plane will reach
 * that, too, more likely than any other.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 200;

export type Reached =
  | { readonly kind: "reached"; readonly localAddress: string }
  /** What the last attempt ended with. */
  | { readonly kind: "away"; readonly reason: string };

/** Host and port of `HOST:PORT`, `[::1]:PORT`; undefined where it is neither. */
export function planeAt(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, v6, name, digits = ""] = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:/]+)):(\d{1,5})$/.exec(text) ?? [];
  const [host, port] = [v6 ?? name, Number(digits)];
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Tries until it answers, or `waitMs` are over. */
export async function reach(host: string, port: number, waitMs: number): Promise<Reached> {
  const end = performance.now() + waitMs;
  for (;;) {
    const reached = await tryOnce(host, port, end - performance.now());
    if (reached.kind === "reached" || performance.now() + PAUSE_MS > end) return reached;
    await sleep(PAUSE_MS);
  }
}

function tryOnce(host: string, port: number, leftMs: number): Promise<Reached> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (reached: Reached) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reached);
    };
    const timer = setTimeout(() => end({ kind: "away", reason: "no answer" }), Math.max(1, leftMs));
    socket.once("connect", () =>
      end({ kind: "reached", localAddress: (socket.localAddress ?? "").replace("::ffff:", "") }),
    );
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end({ kind: "away", reason: error.code ?? error.message }),
    );
  });
}
