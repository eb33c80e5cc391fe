/** Runs a check on mutated texts, and says with a failure which seed and which bytes it was. */
import { seededRandom } from "../harness/random.ts";
import { runs } from "../harness/runs.ts";
import { mutate } from "./mutate.ts";

/** `count` texts in the suite; every fifth is one of the corpus as it is. */
export function fuzz(
  corpus: readonly string[],
  count: number,
  check: (text: string, random: () => number) => void,
): void {
  const { seed, numRuns } = runs(count);
  for (let i = 0; i < numRuns; i++) {
    const random = seededRandom(seed + i * 7_919);
    const base = corpus[i % corpus.length] ?? "";
    const text = i % 5 === 0 ? base : mutate(random, base, corpus);
    try {
      check(text, random);
    } catch (error) {
      throw new Error(`seed ${seed}, case ${i}: ${JSON.stringify(text)}`, { cause: error });
    }
  }
}
