/**
 * How long properties run and on what chance: the suite takes the same seed every time, so that it is never red by luck.
 * `WEFT_FUZZ_RUNS=100 WEFT_FUZZ_SEED=7 npx vitest run …` searches a hundred times as long, elsewhere.
 */
const FACTOR = Number(process.env["WEFT_FUZZ_RUNS"] ?? 1);

/** Printed with a failure, and the way to see it again. */
export const SEED = Number(process.env["WEFT_FUZZ_SEED"] ?? 20_261_121);

/** Options of `fc.assert` for a property that runs `count` times in the suite. */
export function runs(count = 100): { readonly seed: number; readonly numRuns: number } {
  return { seed: SEED, numRuns: count * FACTOR };
}
