/**
 * One mirrored request whose responses are compared: copies of both are collected while they pass, and handed to the control thread
 * when both are whole. Nothing here waits for anything or can fail: the real response does not know that it is watched.
 */
import type { ClientConnection } from "../http1/client-connection.ts";
import type { ResponseSample } from "../mirrors/sample.ts";
import { Timed } from "../net/timer-wheel.ts";
import type { ComparisonPlan } from "../routing/comparison-plan.ts";
import type { Comparisons } from "./comparisons.ts";
import { ResponseCopy } from "./response-copy.ts";

export class Comparison extends Timed {
  readonly real: ResponseCopy;
  readonly mirror: ResponseCopy;
  readonly #plan: ComparisonPlan;
  readonly #all: Comparisons;
  #real: ResponseSample | null = null;
  #mirror: ResponseSample | null = null;
  #isOver = false;

  constructor(plan: ComparisonPlan, all: Comparisons) {
    super();
    this.#plan = plan;
    this.#all = all;
    this.real = new ResponseCopy(plan);
    this.mirror = new ResponseCopy(plan);
  }

  /** The client has got all of the response; `status` is what it was. */
  realIsWhole(status: number): void {
    this.#real = this.real.sample(status);
    this.#compare();
  }

  /** There is no more of it. */
  realEnded(): void {
    if (this.#real === null) this.end("incomplete");
  }

  mirrorIsWhole(): void {
    this.#mirror = this.mirror.sample();
    this.#compare();
  }

  /** `failed`: the mirror gave no whole response. `incomplete`: the real exchange was cut off. */
  end(kind: "failed" | "incomplete"): void {
    if (this.#isOver) return;
    const { route, cluster, settings } = this.#plan;
    this.#over();
    this.#all.post(this, { route, cluster, settings, kind }, this.#plan);
  }

  /** Either takes too long. */
  override onDeadline(): void {
    this.end(this.#real === null ? "incomplete" : "failed");
  }

  #compare(): void {
    if (this.#isOver || this.#real === null || this.#mirror === null) return;
    const { route, cluster, settings } = this.#plan;
    const sample = {
      route,
      cluster,
      settings,
      kind: "both",
      real: this.#real,
      mirror: this.#mirror,
    } as const;
    this.#over();
    this.#all.post(this, sample, this.#plan);
  }

  #over(): void {
    this.#isOver = true;
    this.#real = null;
    this.#mirror = null;
    this.real.drop();
    this.mirror.drop();
  }
}

/** What has been pulled of the real response's body. */
export function copyBody(comparisons: readonly Comparison[], upstream: ClientConnection): void {
  const { bodyBuf, bodyStart, body } = upstream;
  for (const { real } of comparisons) real.add(bodyBuf, bodyStart, body.outputEnd);
}
