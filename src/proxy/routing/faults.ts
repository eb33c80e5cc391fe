/**
 * What goes wrong on purpose for the requests of a rule. Faults are drawn for each try: one after the other, each by its own
 * share (Kuma), until one aborts. Whom they concern is found out once for a client, not for each request.
 */
import type { Abort, Fault, FaultSource } from "../../discovery/faults.ts";
import type { LocalWorkload } from "../../discovery/listener.ts";
import type { Head } from "../http/head.ts";
import { formOf, TextSet } from "../http/text-set.ts";
import { Matcher } from "./match.ts";

/** What befalls one try. */
export interface Injection {
  /** 0: it is not held back. */
  readonly delayMs: number;
  /** Null: it is sent. */
  readonly abort: Abort | null;
  /** Of the response's body; 0: as it comes. */
  readonly bytesPerSecond: number;
  /** Which fault aborts; else empty. */
  readonly source: string;
}

export class Faults {
  readonly #all: readonly CompiledFault[];
  #concerning: readonly CompiledFault[] = [];
  #local: LocalWorkload | null = null;

  /** Throws for a regular expression that does not compile, and for an abort that this sidecar does not know. */
  constructor(faults: readonly Fault[]) {
    this.#all = faults.map((fault) => new CompiledFault(fault));
  }

  /** What befalls the next try of this request of `local`'s; null: nothing. `random`: of `[0, 1)`. */
  draw(head: Head, local: LocalWorkload, random: () => number): Injection | null {
    if (this.#local !== local) {
      this.#local = local;
      this.#concerning = this.#all.filter((fault) => fault.concerns(local));
    }
    let delayMs = 0;
    let bytesPerSecond = 0;
    for (const fault of this.#concerning) {
      if (!fault.takes(head) || (fault.share < 1 && random() >= fault.share)) continue;
      delayMs += fault.delayMs(random);
      const { abort, source } = fault;
      if (abort !== null) return { delayMs, abort, bytesPerSecond: 0, source };
      const rate = fault.bytesPerSecond;
      if (rate > 0 && (bytesPerSecond === 0 || rate < bytesPerSecond)) bytesPerSecond = rate;
    }
    return delayMs === 0 && bytesPerSecond === 0
      ? null
      : { delayMs, abort: null, bytesPerSecond, source: "" };
  }
}

class CompiledFault {
  readonly source: string;
  readonly share: number;
  readonly abort: Abort | null;
  readonly bytesPerSecond: number;
  readonly #matchers: readonly Matcher[] | null;
  readonly #from: readonly SourceTest[] | null;
  readonly #minMs: number;
  readonly #maxMs: number;

  constructor(fault: Fault) {
    this.source = fault.source;
    this.share = fault.share ?? 1;
    this.abort = fault.abort === undefined ? null : checked(fault.abort);
    this.bytesPerSecond = fault.bytesPerSecond ?? 0;
    this.#matchers = fault.matches?.map((match) => new Matcher(match)) ?? null;
    this.#from = fault.from?.map((source) => new SourceTest(source)) ?? null;
    this.#minMs = fault.delay?.minMs ?? 0;
    this.#maxMs = fault.delay?.maxMs ?? 0;
  }

  concerns(local: LocalWorkload): boolean {
    return this.#from?.some((source) => source.holds(local)) ?? true;
  }

  takes(head: Head): boolean {
    return this.#matchers?.some((matcher) => matcher.holds(head)) ?? true;
  }

  delayMs(random: () => number): number {
    const spread = this.#maxMs - this.#minMs;
    return spread === 0 ? this.#minMs : this.#minMs + random() * spread;
  }
}

/** Aborting otherwise than is asked for would be worse than to refuse the route. */
function checked(abort: Abort): Abort {
  switch (abort.kind) {
    case "status":
    case "grpc":
    case "reset":
      return abort;
    default:
      throw new RangeError(`unknown abort ${JSON.stringify(abort satisfies never)}`);
  }
}

const SPIFFE = "spiffe://";

class SourceTest {
  readonly #principals: TextSet | null;
  readonly #notPrincipals: TextSet | null;
  readonly #namespaces: TextSet | null;
  readonly #notNamespaces: TextSet | null;

  constructor(source: FaultSource) {
    this.#principals = setOf(source.principals);
    this.#notPrincipals = setOf(source.notPrincipals);
    this.#namespaces = setOf(source.namespaces);
    this.#notNamespaces = setOf(source.notNamespaces);
  }

  holds({ principal, namespace }: LocalWorkload): boolean {
    const bare = principal.startsWith(SPIFFE) ? principal.slice(SPIFFE.length) : principal;
    return (
      (this.#principals?.has(bare) ?? true) &&
      !(this.#notPrincipals?.has(bare) ?? false) &&
      (this.#namespaces?.has(namespace) ?? true) &&
      !(this.#notNamespaces?.has(namespace) ?? false)
    );
  }
}

function setOf(values: readonly string[] | undefined): TextSet | null {
  return values === undefined ? null : new TextSet(values.map(formOf));
}
