/** Whether anybody takes a connection. */
import net from "node:net";

/** Longest wait for one connection; the packets do not leave the machine. */
const TIMEOUT_MS = 2_000;

interface Target {
  readonly address: string;
  readonly port: number;
}

/** Resolves with undefined once connected and closed again, else with the error's code. */
export function reach({ address, port }: Target, timeoutMs = TIMEOUT_MS): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    const giveUp = () => socket.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" }));
    // After a stall of this process timers come before what has happened meanwhile: that is looked at first.
    const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
    let isConnected = false;
    let code: string | undefined;
    socket.once("connect", () => {
      isConnected = true;
      socket.end();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      code = error.code ?? "error";
    });
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(isConnected ? undefined : (code ?? "ECONNABORTED"));
    });
    socket.resume();
  });
}
