/**
 * Which of a cluster's endpoints takes the next request. A balancer is made anew when the endpoints change; it sees load, weight
 * and latency, nothing else, and answers with an index.
 */
import type { LoadBalancerPolicy } from "../../discovery/messages.ts";
import type { Latency } from "./latency.ts";
import { LeastRequest } from "./least-request.ts";
import { Maglev, maglevTable } from "./maglev.ts";
import { PeakEwma } from "./peak-ewma.ts";
import { RandomChoice } from "./random.ts";
import { RingHash, ringPlaces } from "./ring-hash.ts";
import { RoundRobin } from "./round-robin.ts";

/** What hashing knows of an endpoint. */
export interface Hashed {
  readonly weight: number;
  /** The same for the same instance, wherever it is asked about. */
  readonly key: string;
}

/** What a balancer may know of an endpoint. */
export interface Candidate extends Hashed {
  /** Requests in flight. */
  readonly active: number;
  readonly latency: Latency;
}

/** Whether the candidate at this index may be taken. */
export type Accepts = (index: number) => boolean;

export interface Balancer {
  /**
   * Index of an endpoint with a weight over 0, or -1 when there is none. `hash`: of what makes requests belong together, from 0
   * to 2^32 - 1; those who do not hash leave it. With `accepts` a hashed request goes to the next that it accepts, so that
   * keys of one who is left out do not make others' keys move; -1 when it accepts none of the next few dozen.
   */
  pick(hash?: number, accepts?: Accepts): number;
}

/** Numbers in `[0, 1)`; injected so that tests are deterministic. */
export type Random = () => number;

export function makeBalancer(
  policy: LoadBalancerPolicy,
  candidates: readonly Candidate[],
  random: Random,
  now: () => number,
): Balancer {
  switch (policy) {
    case "leastRequest":
      return new LeastRequest(candidates, random);
    case "roundRobin":
      return new RoundRobin(candidates, random);
    case "random":
      return new RandomChoice(candidates, random);
    case "peakEwma":
      return new PeakEwma(candidates, random, now);
    case "ringHash":
      return new RingHash(ringPlaces(candidates), random);
    case "maglev":
      return new Maglev(maglevTable(candidates), random);
  }
}
