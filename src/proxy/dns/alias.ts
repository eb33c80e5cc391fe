/**
 * A Service that is only another name (`ExternalName`): the alias and what it leads to, in one answer, since a stub resolver follows no
 * alias by itself.
 */
import { type Answer, encode, RECURSION_DESIRED } from "dns-packet";
import type { Known } from "../snapshot/hosts.ts";
import { addressReply, aliasRecord } from "./answer.ts";
import type { Forwarder } from "./forwarder.ts";
import {
  counts,
  isTruncated,
  type Query,
  questionOf,
  RCODE,
  type Reply,
  rcodeOf,
  read,
  setCounts,
  TYPE,
} from "./packet.ts";

/** Aliases of aliases of the mesh. */
const MAX_STEPS = 4;
const MAX_ANSWERS = 64;
/** What the library writes as it has read it. */
const PLAIN = /^[\x21-\x7e]+$/;

export class AliasReply {
  readonly #forwarder: Forwarder;
  readonly #lookUp: (name: string) => Promise<Known>;

  /** `lookUp`: what a name means; null where others are to say it, undefined where nobody can now. */
  constructor(forwarder: Forwarder, lookUp: (name: string) => Promise<Known>) {
    this.#forwarder = forwarder;
    this.#lookUp = lookUp;
  }

  async reply(query: Query, alias: string): Promise<Reply> {
    const answers: Answer[] = [];
    let name = query.asked.name;
    let target = alias.replace(/\.$/, "");
    for (let step = 0; step < MAX_STEPS; step++) {
      answers.push(aliasRecord(name, target));
      const host = await this.#lookUp(target);
      if (host === undefined) return { rcode: RCODE.failed };
      if (host === null) return this.#outside(query, target, answers);
      if (host.alias === undefined) {
        const own = { ...query, asked: { ...query.asked, name: target } };
        return { answers: [...answers, ...(addressReply(own, host.addresses, "").answers ?? [])] };
      }
      name = target;
      target = host.alias.replace(/\.$/, "");
    }
    return { rcode: RCODE.failed };
  }

  async #outside({ type }: Query, target: string, answers: readonly Answer[]): Promise<Reply> {
    if (type !== TYPE.a && type !== TYPE.aaaa && type !== TYPE.any) return { answers };
    const bytes = await this.#ask(target, type === TYPE.aaaa ? "AAAA" : "A");
    if (bytes === undefined) return { rcode: RCODE.failed };
    const [, count = 0] = counts(bytes);
    if (rcodeOf(bytes) === RCODE.noName) return { rcode: RCODE.noName, answers };
    if (rcodeOf(bytes) !== RCODE.ok || count > MAX_ANSWERS) return { rcode: RCODE.failed };
    const part = Buffer.from(bytes);
    setCounts(part, 1, count);
    return { answers: [...answers, ...(read(part)?.answers ?? []).filter(isOfUse)] };
  }

  /** What the resolvers say, all of it. */
  async #ask(name: string, type: "A" | "AAAA"): Promise<Buffer | undefined> {
    const message = encode({ type: "query", flags: RECURSION_DESIRED, questions: [{ type, name }] });
    const question = questionOf(message);
    if (question === null) return undefined;
    for (const isTcp of [false, true]) {
      const forwarded = await this.#forwarder.ask(message, question, isTcp);
      if (forwarded.kind === "none") return undefined;
      if (isTcp || !isTruncated(forwarded.bytes)) return forwarded.bytes;
    }
    return undefined;
  }
}

function isOfUse(record: Answer): boolean {
  if (record.type === "CNAME") return PLAIN.test(record.name) && PLAIN.test(record.data);
  return (record.type === "A" || record.type === "AAAA") && PLAIN.test(record.name);
}
