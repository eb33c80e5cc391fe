/** TCP: a connection that can be opened passes. Nothing is sent. */
import type { Probe } from "./probe.ts";
import type { Open } from "./reach.ts";

/** Time for both sides to say goodbye: a program that speaks first, and writes into a reset, may well die of it. */
const GOODBYE_MS = 1_000;

/** Passes when `open` opens a connection. */
export function tcpProbe(open: Open): Probe {
  return (target, done) => {
    let isOpen = false;
    const close = open(target, (opened) => {
      if (opened.kind !== "open") {
        done(opened);
        return;
      }
      isOpen = true;
      const { stream } = opened;
      const late = setTimeout(close, GOODBYE_MS).unref();
      stream.once("close", () => clearTimeout(late));
      stream.resume().end();
      done({ kind: "pass" });
    });
    return () => {
      if (!isOpen) close();
    };
  };
}
