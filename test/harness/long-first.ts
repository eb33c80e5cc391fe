/**
 * The order of the files: those that take longest come first, so that none of them starts when the others are done. Vitest goes by what they
 * took the last time, and on a machine that has never run them by their size, which says nothing of what waits for processes.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Below `test`, the longest first: half a minute and more on two cores. */
const LONG = [
  "compose/engine",
  "kubernetes/cluster/rights",
  "local/up",
  "run/transparent",
  "kubernetes/cluster/faults",
  "kubernetes/source/two-planes",
  "kubernetes/cluster/definitions",
  "netns/names",
  "kubernetes/cluster/install",
  "enrolment/rotation",
  "simulator/simulator",
  "kubernetes/cluster/webhook",
].map((name) => `/test/${name}.test.ts`);

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONG.findIndex((name) => moduleId.endsWith(name));
      return place < 0 ? LONG.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
