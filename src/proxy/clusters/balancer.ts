/**
 * Which of a cluster's endpoints takes the next request. A balancer is made anew when the endpoints change; it sees load and
 * weight, nothing else, and answers with an index.
 */
import type { LoadBalancerPolicy } from "../../discovery/messages.ts";
import { LeastRequest } from "./least-request.ts";
import { RandomChoice } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";

/** What a balancer may know of an endpoint. */
export interface Candidate {
  /** Requests in flight. */
  readonly active: number;
  readonly weight: number;
}

export interface Balancer {
  /** Index of an endpoint with a weight over 0, or -1 when there is none. */
  pick(): number;
}

/** Numbers in `[0, 1)`; injected so that tests are deterministic. */
export type Random = () => number;

export function makeBalancer(
  policy: LoadBalancerPolicy,
  candidates: readonly Candidate[],
  random: Random,
): Balancer {
  switch (policy) {
    case "leastRequest":
      return new LeastRequest(candidates, random);
    case "roundRobin":
      return new RoundRobin(candidates, random);
    case "random":
      return new RandomChoice(candidates, random);
  }
}
