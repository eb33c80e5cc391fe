/**
 * What resolvers have said is not there (RFC 2308), so that names which search lists make up are asked for once: as long as the zone
 * says, half a minute at most. Only answers that are nothing but that are kept.
 */
import type { Answer } from "dns-packet";
import {
  counts,
  HEADER_BYTES,
  isTruncated,
  type Query,
  RCODE,
  type Reply,
  rcodeOf,
  read,
  setCounts,
} from "./packet.ts";

const MAX_ENTRIES = 1_024;
const MAX_TTL_S = 30;
/** More records than that don't say why there is nothing. */
const MAX_AUTHORITIES = 8;

type SoaAnswer = Extract<Answer, { type: "SOA" }>;

interface Entry {
  readonly rcode: number;
  readonly soa: SoaAnswer;
  /** Milliseconds of the clock. */
  readonly until: number;
}

export class NegativeCache {
  readonly #now: () => number;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Undefined where nothing is known. */
  find(query: Query): Reply | undefined {
    const key = keyOf(query);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || entry === undefined) return undefined;
    const left = Math.ceil((entry.until - this.#now()) / 1_000);
    if (left > 0)
      return { isSecondHand: true, rcode: entry.rcode, authorities: [{ ...entry.soa, ttl: left }] };
    this.#entries.delete(key);
    return undefined;
  }

  /** Looks at what a resolver has answered, and keeps it if it is that there is nothing. */
  put(query: Query, answer: Buffer): void {
    const key = keyOf(query);
    const soa = key === undefined ? undefined : emptiness(answer);
    if (key === undefined || soa === undefined) return;
    const seconds = Math.min(soa.ttl ?? 0, soa.data.minimum ?? 0, MAX_TTL_S);
    if (seconds <= 0) return;
    this.#entries.delete(key);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { rcode: rcodeOf(answer), soa, until: this.#now() + seconds * 1_000 });
  }
}

/** Who wants proofs gets them from the resolver. */
function keyOf({ isPlain, edns, name, type }: Query): string | undefined {
  return isPlain && edns?.isSecured !== true ? `${type} ${name.toLowerCase()}` : undefined;
}

/** The SOA of an answer that says there is nothing; undefined: it says something else. */
function emptiness(answer: Buffer): SoaAnswer | undefined {
  const [questions = 0, answers, authorities = 0] = counts(answer);
  const rcode = rcodeOf(answer);
  const isEmpty = (rcode === RCODE.noName || rcode === RCODE.ok) && questions === 1 && answers === 0;
  if (!isEmpty || isTruncated(answer) || authorities > MAX_AUTHORITIES) return undefined;
  const part = Buffer.from(answer);
  setCounts(part, 1, 0, authorities);
  if (part.length < HEADER_BYTES) return undefined;
  return read(part)?.authorities?.find((record) => record.type === "SOA");
}
