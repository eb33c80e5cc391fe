/**
 * Ctrl-C and SIGTERM: the first asks for an orderly end, the second for an end now. npm passes on what the terminal sends
 * to everybody anyway, so one Ctrl-C arrives twice; the second counts only after a moment.
 */

const SAME_KEYPRESS_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interrupts {
  /** Aborts at the first signal. */
  readonly first: AbortSignal;
  /** Listens no more. */
  readonly dispose: () => void;
}

/** Listens for signals; `onSecond` is called for each after the first. */
export function listenForInterrupts(onFirst: () => void, onSecond: () => void): Interrupts {
  const controller = new AbortController();
  let firstAt = 0;
  const listener = () => {
    if (firstAt === 0) {
      firstAt = performance.now();
      controller.abort();
      onFirst();
    } else if (performance.now() - firstAt > SAME_KEYPRESS_MS) {
      onSecond();
    }
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    first: controller.signal,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}
