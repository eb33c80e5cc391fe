/**
 * Who a request's token speaks for. A token is verified once and remembered, so that a request with a known one waits for nothing;
 * what was wrong is remembered for a while too, because senders repeat it.
 */
import { hash } from "node:crypto";
import type { TokenRule } from "../../discovery/policy.ts";
import type { HeadEdit } from "../http/edit.ts";
import type { Head } from "../http/head.ts";
import { claimValues } from "./claims.ts";
import { type FoundToken, TokenSource } from "./token-source.ts";
import { CLOCK_TOLERANCE_S, type Verdict, verifyToken } from "./token-verifier.ts";
import type { Claims } from "./view.ts";

/** Right tokens that are remembered, and as many wrong ones; the oldest goes first. */
const MAX_TOKENS = 1_024;
/** A longer one is refused unseen. */
const MAX_TOKEN_BYTES = 16_384;
/** How long a wrong one is remembered. */
const WRONG_MS = 10_000;
/** How long a right one is, that does not end before. */
const RIGHT_MS = 300_000;

/** `edit`: what the application gets, or must not get, of it. */
export type Authentication =
  | { readonly kind: "none"; readonly edit: HeadEdit | null }
  | { readonly kind: "verified"; readonly claims: Claims; readonly edit: HeadEdit | null }
  | { readonly kind: "refused"; readonly reason: string };

interface Known {
  readonly authentication: Authentication;
  readonly until: number;
}

const TOO_LONG: Authentication = { kind: "refused", reason: "it is too long" };
const TWICE: Authentication = { kind: "refused", reason: "the request has several" };

export class Authenticator {
  readonly #rules: readonly TokenRule[];
  readonly #source: TokenSource;
  /** For requests without a token: headers that only a token may set. */
  readonly #none: Authentication;
  /** Apart, so that nobody's wrong tokens make right ones be forgotten. */
  readonly #right = new Map<string, Known>();
  readonly #wrong = new Map<string, Known>();
  readonly #pending = new Map<string, Promise<Authentication>>();
  readonly #now: () => number;

  /** `now`: milliseconds since 1970. */
  constructor(rules: readonly TokenRule[], now: () => number = Date.now) {
    this.#rules = rules;
    this.#source = new TokenSource(rules);
    this.#none = { kind: "none", edit: editOf(claimHeaders(rules), []) };
    this.#now = now;
  }

  /** The answer, or the promise of one, which never rejects. */
  authenticate(head: Head): Authentication | Promise<Authentication> {
    const found = this.#source.find(head);
    if (found.kind === "none") return this.#none;
    if (found.kind === "twice") return TWICE;
    const { token } = found;
    if (token.text.length > MAX_TOKEN_BYTES) return TOO_LONG;
    const key = hash("sha256", `${token.header} ${token.text}`, "base64");
    const known = this.#right.get(key) ?? this.#wrong.get(key);
    if (known !== undefined && this.#now() < known.until) return known.authentication;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#verify(token, key);
      this.#pending.set(key, pending);
    }
    return pending;
  }

  async #verify(token: FoundToken, key: string): Promise<Authentication> {
    const verdict = await verifyToken(token.text, token.rules);
    const authentication = this.#resultOf(verdict, token);
    this.#pending.delete(key);
    this.#right.delete(key);
    this.#wrong.delete(key);
    const known = verdict.kind === "right" ? this.#right : this.#wrong;
    const [oldest] = known.keys();
    if (known.size >= MAX_TOKENS && oldest !== undefined) known.delete(oldest);
    known.set(key, { authentication, until: this.#untilOf(verdict) });
    return authentication;
  }

  #untilOf(verdict: Verdict): number {
    const now = this.#now();
    if (verdict.kind === "wrong") return now + WRONG_MS;
    const { exp } = verdict.claims;
    const end = exp === undefined ? Number.POSITIVE_INFINITY : (exp + CLOCK_TOLERANCE_S) * 1_000;
    return Math.min(end, now + RIGHT_MS);
  }

  #resultOf(verdict: Verdict, { header }: FoundToken): Authentication {
    if (verdict.kind === "wrong") return { kind: "refused", reason: verdict.reason };
    const { rule, claims } = verdict;
    const remove = claimHeaders(this.#rules);
    if (header !== "" && !rule.forward) remove.add(header);
    return { kind: "verified", claims, edit: editOf(remove, linesOf(rule, claims)) };
  }
}

function claimHeaders(rules: readonly TokenRule[]): Set<string> {
  return new Set(rules.flatMap((rule) => rule.claimHeaders.map(({ header }) => header)));
}

/** Visible characters alone: a claim may hold anything. */
function linesOf(rule: TokenRule, claims: Claims): readonly string[] {
  return rule.claimHeaders.flatMap(({ header, claim }) => {
    const value = claimValues(claims, claim).join(",");
    return /^[!-~](?:[ -~]*[!-~])?$/.test(value) ? [`${header}: ${value}\r\n`] : [];
  });
}

function editOf(remove: ReadonlySet<string>, lines: readonly string[]): HeadEdit | null {
  if (remove.size === 0 && lines.length === 0) return null;
  const add = Buffer.from(lines.join(""), "latin1");
  const names = [...remove].map((name) => Buffer.from(name, "latin1"));
  return { remove: names, add, host: null, path: null, growth: add.length };
}
