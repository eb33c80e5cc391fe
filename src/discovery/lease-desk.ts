/** The control plane's end of common limits: who asks is checked by what its policy says, and what comes at one time is shared out once. */
import { LeaseBook } from "./lease-book.ts";
import type { DownstreamMessage, Node } from "./messages.ts";
import { INBOUND_POLICY, type PolicyResource } from "./policy.ts";
import type { DemandReport } from "./rate-limit.ts";
import type { ResourceSource } from "./server.ts";

/** Demands that come within this time are shared out together. */
const COALESCE_MS = 20;

/** What the desk needs of a stream. */
export interface LeaseClient {
  readonly sendLeases: (message: DownstreamMessage) => void;
}

interface Holder {
  readonly client: LeaseClient;
  readonly part: number;
}

export class LeaseDesk {
  readonly #source: ResourceSource;
  readonly #book: LeaseBook<Holder>;
  readonly #holders = new Map<LeaseClient, Map<number, Holder>>();
  #timer: NodeJS.Timeout | undefined;

  /** `now` in milliseconds. */
  constructor(source: ResourceSource, now: () => number) {
    this.#source = source;
    this.#book = new LeaseBook(now);
  }

  report(client: LeaseClient, node: Node, report: DemandReport): void {
    const holders = this.#holders.get(client) ?? new Map<number, Holder>();
    this.#holders.set(client, holders);
    const { part } = report;
    const holder = holders.get(part) ?? { client, part };
    holders.set(part, holder);
    const policy = this.#source.get("policy", INBOUND_POLICY, node)?.resource as PolicyResource | undefined;
    const rules = new Map((policy?.limits ?? []).map((limit) => [limit.id, limit]));
    this.#book.report(holder, report, (limit) => {
      const found = rules.get(limit);
      return found?.mesh === undefined ? undefined : found;
    });
    this.#soon();
  }

  left(client: LeaseClient): void {
    const holders = this.#holders.get(client);
    if (holders === undefined) return;
    this.#holders.delete(client);
    for (const holder of holders.values()) this.#book.left(holder);
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const [{ client, part }, leases] of this.#book.flush())
        client.sendLeases({ kind: "leases", grant: { part, leases } });
    }, COALESCE_MS).unref();
  }
}
