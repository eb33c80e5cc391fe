/**
 * Who has registered with other replicas of this control plane, by what they say of it. A sidecar is at one replica at a time: of two
 * that claim it, the one whose claim is newer is believed, and the other no more until it claims anew. A replica that ends, or is
 * silent, has lost its sidecars as a stream is lost: they are waited for until another one has them. Time in which nobody could be
 * heard counts for none of this: an API server that is away takes nobody away.
 */
import { readNode } from "../../discovery/check.ts";
import type { Node } from "../../discovery/messages.ts";
import { RECONNECT_MS } from "../../discovery/server.ts";
import { workloadId } from "../compile/mesh-index.ts";
import type { ReplicaWord } from "../shared-root.ts";
import { isMap, mapOf } from "../source/kubernetes/object.ts";
import { type Registrant, registrantOf } from "./registrant.ts";

export interface Claim {
  readonly node: Registrant;
  /** There is no stream now: its sidecar may come back, there or elsewhere. */
  readonly isLost: boolean;
}

/** A claim of one of the others. */
interface Held extends Claim {
  readonly replica: string;
  /** It was there when its replica was heard for the first time: whether another's is older is not known. */
  readonly isGuess: boolean;
  /** When the wait for it is over, in time heard. */
  readonly endsAt: number | undefined;
}

/** By id of the workload; undefined: what is said of it can't be read. */
type Claims = ReadonlyMap<string, Claim | undefined>;

interface Speaker {
  readonly registrants: unknown;
  readonly isOver: boolean;
  /** The last that could be read. */
  readonly claims: Claims | undefined;
}

/** Bytes that one replica says of registrants: some 300 of them. A ConfigMap holds 1 MiB for all, also for those that died lately. */
const MAX_BYTES = 48 * 1_024;
/** Nobody takes the others' place with labels. */
const MAX_ENTRY_BYTES = 1_024;
/** What passes between two readings counts for so many milliseconds at most. */
const MAX_STEP_MS = 5_000;

export class Elsewhere {
  readonly #held = new Map<string, Held>();
  #speakers: ReadonlyMap<string, Speaker> = new Map();
  #heardMs = 0;
  #readAt: number | undefined;

  /** Takes the words of all others, read at `now` (monotonic milliseconds): who is registered elsewhere, by id of the workload. */
  hear(words: readonly ReplicaWord[], now: number): ReadonlyMap<string, Claim> {
    this.#heardMs += Math.min(now - (this.#readAt ?? now), MAX_STEP_MS);
    this.#readAt = now;
    const speakers = new Map<string, Speaker>();
    for (const { replica, registrants, isOver } of words) {
      const last = this.#speakers.get(replica);
      const news = registrants === last?.registrants ? undefined : readClaims(registrants);
      if (news !== undefined) this.#take(replica, news, last, isOver);
      speakers.set(replica, { registrants, isOver, claims: news ?? last?.claims });
    }
    this.#speakers = speakers;
    for (const [id, held] of this.#held) this.#review(id, held);
    return this.#held;
  }

  /** Its sidecar came here, or has left from here: what others have said of it until now is old. */
  forget(id: string): void {
    this.#held.delete(id);
  }

  #take(replica: string, news: Claims, last: Speaker | undefined, isOver: boolean): void {
    // Of one who is heard for the first time everything counts, but not for long: it may be what a dead one has left.
    const isFirst = last === undefined;
    for (const [id, claim] of news) {
      if (claim === undefined) continue;
      const held = this.#held.get(id);
      const isLost = claim.isLost || isOver;
      const isNew = last?.claims?.get(id)?.isLost !== false;
      const isTaken =
        held === undefined
          ? !isLost || isFirst
          : held.replica === replica || (!isLost && (isNew || held.isLost));
      if (!isTaken) continue;
      const isGuess = held?.replica === replica ? held.isGuess : isFirst;
      const endsAt = isFirst ? this.#heardMs + RECONNECT_MS : undefined;
      this.#held.set(id, { node: claim.node, isLost, replica, isGuess, endsAt });
    }
  }

  #review(id: string, held: Held): void {
    const speaker = this.#speakers.get(held.replica);
    const { endsAt = this.#heardMs + RECONNECT_MS } = held;
    if (speaker !== undefined && speaker.claims?.has(id) !== true) this.#end(id, held);
    else if (speaker?.isOver === false && held.endsAt === undefined) return;
    else if (this.#heardMs >= endsAt) this.#held.delete(id);
    else this.#held.set(id, { ...held, isLost: true, endsAt });
  }

  /** Its replica has it no more. */
  #end(id: string, { isGuess }: Held): void {
    this.#held.delete(id);
    if (!isGuess) return;
    for (const [replica, { claims, isOver }] of this.#speakers) {
      const claim = claims?.get(id);
      if (claim?.isLost === false && !isOver)
        this.#held.set(id, { ...claim, replica, isGuess, endsAt: undefined });
    }
  }
}

/** What the others are told, as JSON, of those who are registered here; `leftOut`: so many more there are. */
export function tellOf(claims: Iterable<Claim>): { readonly registrants: object; readonly leftOut: number } {
  const told: [string, object][] = [];
  let [bytes, leftOut] = [0, 0];
  for (const { node, isLost } of claims) {
    const { service, serviceAccount, labels, address } = node;
    const ports = { inbound: node.ports.inbound, app: node.ports.app };
    const entry = { service, serviceAccount, labels, address, ports, ...(isLost && { isLost }) };
    const size = Buffer.byteLength(JSON.stringify({ [workloadId(node)]: entry }));
    if (size > MAX_ENTRY_BYTES || bytes + size > MAX_BYTES) leftOut++;
    else {
      bytes += size;
      told.push([workloadId(node), entry]);
    }
  }
  return { registrants: Object.fromEntries(told), leftOut };
}

/** Undefined where nothing can be read. Never throws. */
function readClaims(registrants: unknown): Claims | undefined {
  if (!isMap(registrants)) return undefined;
  return new Map(Object.entries(registrants).map(([id, entry]) => [id, readClaim(id, entry)]));
}

function readClaim(id: string, entry: unknown): Claim | undefined {
  const told = mapOf(entry);
  const { service, serviceAccount, labels, address } = told;
  const ports = { outbound: 0, admin: 0, telemetry: 0, ...mapOf(told["ports"]) };
  const said = { service, serviceAccount, labels, address, ports };
  const node: Node | undefined = readNode({
    ...{ ...said, id, workload: id, namespace: id.split("/")[0], version: "", registers: true },
  });
  const registrant = node && registrantOf(node);
  return registrant && { node: registrant, isLost: told["isLost"] === true };
}
