/**
 * One question, from its bytes to those of the answer, whatever brought it: the mesh's own names are answered from what the control
 * plane says of them, all others are the resolvers' business. Nothing here waits without bound, and nothing that comes in makes it throw.
 */
import type { TimerWheel } from "../net/timer-wheel.ts";
import type { Hosts, Known } from "../snapshot/hosts.ts";
import { AliasReply } from "./alias.ts";
import { addressReply, empty, ownerReply, serviceReply } from "./answer.ts";
import type { Outcome } from "./counts.ts";
import { Deadline } from "./deadline.ts";
import type { Forwarder } from "./forwarder.ts";
import { type Meaning, meaningOf, OTHER } from "./meaning.ts";
import type { NegativeCache } from "./negative-cache.ts";
import { failure, fitted, fittedReply, type Query, RCODE, type Reply, readQuery } from "./packet.ts";

/**
 * Clients keep addresses for a while, and connections to them for longer: the answer of somebody else would outlive the moment in
 * which the control plane was busy. After this one they ask again (as Istio's agents answer before they have their table).
 */
const UNTOLD: Reply = { rcode: RCODE.failed };

/** How names are meant here and now. */
export interface Zone {
  /** Namespace of the workload. */
  readonly namespace: string;
  /** Of the cluster, e.g. `cluster.local`. */
  readonly domain: string;
  /** How long the control plane may take to say what a name means. */
  readonly timeoutMs: number;
  /** Whether it can be asked. */
  readonly isConnected: boolean;
}

export interface HandlerOptions {
  readonly hosts: Hosts;
  readonly forwarder: Forwarder;
  readonly cache: NegativeCache;
  readonly wheel: TimerWheel;
  readonly zone: () => Zone;
  readonly count: (outcome: Outcome) => void;
}

export class Handler {
  readonly #options: HandlerOptions;
  readonly #aliases: AliasReply;

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#aliases = new AliasReply(options.forwarder, (name) => this.#lookUp(name));
  }

  /** Null: it is not answered. */
  async answer(bytes: Buffer, isTcp: boolean): Promise<Buffer | null> {
    const { count } = this.#options;
    const reading = readQuery(bytes);
    if (reading.kind === "ignore") {
      count("dropped");
      return null;
    }
    if (reading.kind === "refuse") {
      count("refused");
      return reading.answer;
    }
    const { query } = reading;
    const own = await this.#own(query);
    if (own === undefined) return this.#forward(query, isTcp);
    count(own.rcode === RCODE.failed ? "failed" : "mesh");
    return written(query, own, isTcp);
  }

  /** Undefined: it is not the mesh's. */
  async #own(query: Query): Promise<Reply | undefined> {
    const { namespace, domain } = this.#options.zone();
    const meaning = query.isPlain ? meaningOf(query.name, namespace, domain) : OTHER;
    switch (meaning.kind) {
      case "other":
        return undefined;
      case "nothing":
        return empty(query, RCODE.noName, domain);
      case "owner": {
        const known = await this.#meant(meaning.host, true);
        if (known === undefined) return UNTOLD;
        return known === null ? empty(query, RCODE.noName, domain) : ownerReply(query, known, domain);
      }
      case "host":
        return this.#hostReply(query, meaning, domain);
    }
  }

  async #hostReply(
    query: Query,
    { host, isOurs, instance, service }: Extract<Meaning, { kind: "host" }>,
    domain: string,
  ): Promise<Reply | undefined> {
    const known = await this.#meant(host, isOurs);
    if (known === undefined) return UNTOLD;
    if (known === null) return undefined;
    if (service !== undefined) return serviceReply(query, known, service, domain);
    if (instance !== undefined) {
      const one = known.instances?.find(({ name }) => name === instance);
      return one && addressReply(query, [one.address], domain);
    }
    if (known.alias !== undefined) return this.#aliases.reply(query, known.alias);
    return addressReply(query, known.addresses, domain);
  }

  /** What another name of a Service means. */
  async #lookUp(name: string): Promise<Known> {
    const { namespace, domain } = this.#options.zone();
    const meaning = meaningOf(name, namespace, domain);
    if (meaning.kind !== "host" || meaning.service !== undefined || meaning.instance !== undefined)
      return null;
    return this.#meant(meaning.host, meaning.isOurs);
  }

  /** Null: that is for others to say. Undefined: for the mesh alone, and the control plane is there and yet to say it. */
  async #meant(host: string, isOurs: boolean): Promise<Known> {
    const { hosts, zone } = this.#options;
    const found = hosts.find(host);
    const known = found === undefined ? await this.#asked(host) : found;
    const isAwaited = isOurs && zone().isConnected && hosts.isExpected(host);
    return known === undefined && !isAwaited ? null : known;
  }

  /** What the control plane says of a name; undefined: nothing, in time. */
  #asked(name: string): Promise<Known> {
    const { hosts, wheel, zone } = this.#options;
    const { timeoutMs, isConnected } = zone();
    if (!isConnected) return Promise.resolve(hosts.find(name));
    const { promise, resolve } = Promise.withResolvers<Known>();
    const deadline = new Deadline(wheel, timeoutMs, () => {
      hosts.leave(name, told);
      resolve(undefined);
    });
    const told = (): void => {
      deadline.end();
      resolve(hosts.find(name));
    };
    if (!hosts.ask(name, told)) told();
    return promise;
  }

  async #forward(query: Query, isTcp: boolean): Promise<Buffer> {
    const { cache, forwarder, count } = this.#options;
    const cached = cache.find(query);
    if (cached !== undefined) {
      count("cached");
      return written(query, cached, isTcp);
    }
    const forwarded = await forwarder.ask(query.bytes, query.question, isTcp);
    if (forwarded.kind === "none") {
      count("failed");
      return failure(query, RCODE.failed);
    }
    count("forwarded");
    const { bytes } = forwarded;
    cache.put(query, bytes);
    bytes.writeUInt16BE(query.id, 0);
    return isTcp ? bytes : fitted(query, bytes);
  }
}

function written(query: Query, what: Reply, isTcp: boolean): Buffer {
  try {
    return fittedReply(query, what, isTcp);
  } catch {
    return failure(query, RCODE.failed);
  }
}
