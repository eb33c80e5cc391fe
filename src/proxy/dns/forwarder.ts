/**
 * Questions that the mesh has no answer to, passed on to the resolvers one after the other and their answers passed back. All of it
 * ends before the client would ask again (5 s), and no more than a bounded number is under way.
 */
import type { TimerWheel } from "../net/timer-wheel.ts";
import { type Exchange, exchange, type Outcome } from "./exchange.ts";
import { RCODE, rcodeOf } from "./packet.ts";
import type { Resolver, Resolvers } from "./resolvers.ts";

/** Each is a socket. */
export const MAX_UNDER_WAY = 512;
/** For all tries together. */
export const TOTAL_MS = 4_000;
/** A resolver that is alone is tried twice: a datagram may be lost. */
const MIN_TRIES = 2;
const REFUSED = 5;

export type Forwarded =
  | { readonly kind: "answer"; readonly bytes: Buffer }
  | { readonly kind: "none"; readonly reason: "busy" | "no-resolver" | Exclude<Outcome, Buffer> };

/** What is counted. */
export interface ForwardCounts {
  /** By outcome of one try. */
  readonly tries: Map<string, number>;
  took(ms: number): void;
}

export interface ForwarderOptions {
  readonly resolvers: Resolvers;
  readonly wheel: TimerWheel;
  readonly counts: ForwardCounts;
  readonly warn: (message: string) => void;
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #underWay = new Set<Exchange>();
  #pending = 0;
  #hasWarned = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  get underWay(): number {
    return this.#pending;
  }

  /** `question`: the section in `message`. */
  async ask(message: Buffer, question: Buffer, isTcp: boolean): Promise<Forwarded> {
    if (this.#pending >= MAX_UNDER_WAY) return { kind: "none", reason: "busy" };
    const { resolvers } = this.#options;
    const order = resolvers.inOrder();
    const [first] = order;
    if (first === undefined) return { kind: "none", reason: "no-resolver" };
    const tries = order.length < MIN_TRIES ? [first, first] : order;
    this.#pending++;
    try {
      return await this.#try(tries, message, question, isTcp);
    } finally {
      this.#pending--;
    }
  }

  /** Whether a message that came to the proxy is one that it has sent itself; then whoever waits for it is told. */
  isOwn(port: number, message: Buffer): boolean {
    if (message.length < 2) return false;
    for (const one of this.#underWay) {
      if (one.id !== message.readUInt16BE(0) || one.localPort() !== port) continue;
      one.looped();
      return true;
    }
    return false;
  }

  async #try(
    tries: readonly Resolver[],
    message: Buffer,
    question: Buffer,
    isTcp: boolean,
  ): Promise<Forwarded> {
    const { wheel, resolvers, counts, warn } = this.#options;
    let last: Forwarded = { kind: "none", reason: "timeout" };
    const gone = new Set<Resolver>();
    for (const resolver of tries) {
      if (gone.has(resolver)) continue;
      const started = wheel.now();
      const ms = TOTAL_MS / tries.length;
      const one = exchange(resolver, message, question, { isTcp, wheel, ms });
      this.#underWay.add(one);
      const outcome = await one.outcome;
      this.#underWay.delete(one);
      counts.took(wheel.now() - started);
      const result = typeof outcome === "string" ? outcome : resultOf(outcome);
      counts.tries.set(result, (counts.tries.get(result) ?? 0) + 1);
      if (result === "answer") resolvers.answered(resolver);
      else resolvers.failed(resolver);
      last =
        typeof outcome === "string" ? { kind: "none", reason: outcome } : { kind: "answer", bytes: outcome };
      if (result === "answer") return last;
      if (result === "unreachable") gone.add(resolver);
      if (result !== "loop" || this.#hasWarned) continue;
      this.#hasWarned = true;
      warn(
        `DNS: what is asked of ${resolver.address} comes back to this sidecar: does it run as the user that weft init exempts?`,
      );
    }
    return last;
  }
}

function resultOf(answer: Buffer): "answer" | "refused" {
  const rcode = rcodeOf(answer);
  return rcode === RCODE.failed || rcode === REFUSED || rcode === RCODE.notImplemented ? "refused" : "answer";
}
