/**
 * Samples on their way into the report, one in a turn of the control thread, so that comparing many large bodies keeps nothing else
 * waiting. A traffic loop sends no more than it has been told were taken, which bounds what waits here.
 */
import type { MirrorReport } from "./report.ts";
import type { MirrorSample } from "./sample.ts";

export class MirrorInbox {
  readonly #report: MirrorReport;
  readonly #waiting: (readonly [sample: MirrorSample, taken: () => void])[] = [];

  constructor(report: MirrorReport) {
    this.#report = report;
  }

  /** `taken`: called when the sample is in the report. */
  put(sample: MirrorSample, taken: () => void): void {
    if (this.#waiting.push([sample, taken]) === 1) setImmediate(() => this.#next());
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [sample, taken] = first;
    this.#report.take(sample);
    taken();
    this.#waiting.shift();
    if (this.#waiting.length > 0) setImmediate(() => this.#next());
  }
}
