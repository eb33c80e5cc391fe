/** When a sidecar renews, and what it does when it can't: a day in a moment, against the CA itself. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EnrolResult } from "../../src/discovery/enrolment.ts";
import type { Svid } from "../../src/identity/svid.ts";
import { CertificateKeeper } from "../../src/proxy/enrolment/keeper.ts";
import { TrustFile } from "../../src/proxy/enrolment/trust-file.ts";
import { HOUR, TRUST_DOMAIN, WEB } from "../identity/pki.ts";
import { startPlane, type TestPlane, temporaryDirectory } from "../identity/plane.ts";
import { derOf } from "./pem.ts";

const MINUTE = 60_000;

/** A keeper on virtual time, with a CA that can be away. */
class Bench {
  readonly directory = temporaryDirectory();
  readonly plane: TestPlane = startPlane();
  readonly keeper: CertificateKeeper;
  /** How each attempt showed who it is, and when, in ms from the start. */
  readonly asked: { readonly at: number; readonly by: "token" | "certificate" }[] = [];
  readonly secrets: Svid[] = [];
  readonly warnings: string[] = [];
  /** Answers instead of the CA; an Error is a control plane that is away. */
  instead: EnrolResult | Error | undefined;
  random = 0.5;
  token: string | undefined;
  #elapsed = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  #pending: Promise<unknown> = Promise.resolve();

  constructor() {
    const file = join(this.directory, "bundle.pem");
    writeFileSync(file, this.plane.ca.bundle.pem);
    const trust = TrustFile.open(file);
    if (typeof trust === "string") throw new Error(trust);
    this.token = this.plane.token({ uses: 3, expiresAt: this.plane.clock.wall + 48 * HOUR });
    this.keeper = new CertificateKeeper({
      ...{
        trustDomain: TRUST_DOMAIN,
        id: WEB,
        trust,
        token: () => (this.token === undefined ? undefined : { token: this.token }),
      },
      ask: (request, _bundle, svid) => {
        const answer = this.#answer(request.csr, request.token, svid);
        this.#pending = answer.catch(() => {});
        return answer;
      },
      warn: (message) => this.warnings.push(message),
      timers: {
        wallClock: () => this.plane.clock.wall,
        random: () => this.random,
        after: (ms, run) => {
          const timer = { at: this.#elapsed + ms, run };
          this.#timers.push(timer);
          return () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
          };
        },
      },
    });
    this.keeper.start(async (svid) => void this.secrets.push(svid));
  }

  /** Lets `ms` pass on both clocks. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      await this.#settle();
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      const at = Math.min(end, next?.at ?? end);
      this.plane.clock.wall += at - this.#elapsed;
      this.plane.clock.monotonic += at - this.#elapsed;
      this.#elapsed = at;
      if (next === undefined || next.at > end) return;
      this.#timers = this.#timers.filter((other) => other !== next);
      next.run();
    }
  }

  async #settle(): Promise<void> {
    await this.#pending;
    // What follows the answer: the secret's way to the loops.
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  async #answer(csr: string, token: string | undefined, svid: Svid | undefined): Promise<EnrolResult> {
    this.asked.push({ at: this.#elapsed, by: token === undefined ? "certificate" : "token" });
    if (this.instead instanceof Error) throw this.instead;
    if (this.instead !== undefined) return this.instead;
    const evidence =
      token !== undefined
        ? ({ kind: "join_token", token } as const)
        : svid === undefined
          ? ({ kind: "none" } as const)
          : ({ kind: "certificate", leaf: derOf(svid.chain) } as const);
    const result = await this.plane.ca.enrol({ csr: Buffer.from(csr, "base64"), evidence });
    if (result.kind === "refused") {
      return { kind: "refused", refusal: { reason: result.reason, text: result.reason, isRetriable: false } };
    }
    const { chain, notAfter } = result;
    return { kind: "issued", answer: { chain, bundle: this.plane.ca.bundle.pem, notAfter } };
  }

  async close(): Promise<void> {
    this.keeper.close();
    await this.plane.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe("renewal", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = new Bench();
    await bench.pass(0);
    expect(bench.asked).toEqual([{ at: 0, by: "token" }]);
  });
  afterEach(() => bench.close());

  it.each([
    ["earliest", 0, 0.4],
    ["half of its life", 0.5, 0.5],
    ["latest", 0.999, 0.6],
  ])("by the certificate before, with another key: %s", async (_name, random, part) => {
    bench.random = random;
    // The first sleep was drawn with one half.
    await bench.pass(13 * HOUR);
    const [, first] = bench.asked;
    await bench.pass(15 * HOUR);
    const [, , second] = bench.asked;
    expect(second?.by).toBe("certificate");
    expect(((second?.at ?? 0) - (first?.at ?? 0)) / (24 * HOUR)).toBeCloseTo(part, 2);
    const [one, two] = bench.secrets;
    expect(one?.key.publicKey.equals(two?.key.publicKey ?? Buffer.alloc(0))).toBe(false);
    expect(bench.keeper.counts).toEqual({ success: 3, failure: 0 });
  });

  it("while the control plane is away: what is held stays, attempts back off to a minute, and it is told once", async () => {
    const [held] = bench.secrets;
    await bench.pass(11 * HOUR);
    bench.instead = new Error("connect ECONNREFUSED");
    await bench.pass(3 * HOUR);
    expect(bench.keeper.svid).toBe(held);
    const at = bench.asked.slice(1).map((ask) => ask.at);
    const pauses = at.slice(1).map((time, i) => (time - (at[i] ?? 0)) / 1_000);
    expect(pauses.slice(0, 9)).toEqual([0.75, 1.5, 3, 6, 12, 24, 45, 45, 45]);
    expect(bench.warnings).toEqual(["no new certificate: connect ECONNREFUSED"]);
    expect(bench.keeper.lastFailure).toBe("connect ECONNREFUSED");
    bench.instead = undefined;
    await bench.pass(MINUTE);
    expect(bench.keeper.svid).not.toBe(held);
    expect(bench.asked.at(-1)?.by).toBe("certificate");
    expect(bench.keeper.lastFailure).toBe("");
  });

  it("a certificate that has ended is followed by one for the token", async () => {
    bench.instead = new Error("away");
    await bench.pass(23 * HOUR);
    expect(bench.keeper.fault).toBe("");
    await bench.pass(2 * HOUR);
    expect(bench.keeper.fault).toBe("it has expired; away");
    expect(bench.asked.at(-1)?.by).toBe("token");
    bench.instead = undefined;
    await bench.pass(2 * MINUTE);
    expect(bench.keeper.fault).toBe("");
    expect(bench.secrets).toHaveLength(2);
    expect(bench.keeper.svid?.notAfter).toBeGreaterThan(bench.plane.clock.wall);
  });

  it("a certificate that is refused is followed by one for the token", async () => {
    bench.instead = {
      kind: "refused",
      refusal: { reason: "certificate_refused", text: "no", isRetriable: false },
    };
    await bench.pass(12 * HOUR);
    expect(bench.asked[1]?.by).toBe("certificate");
    bench.instead = undefined;
    await bench.pass(MINUTE);
    expect(bench.asked.at(-1)?.by).toBe("token");
    expect(bench.secrets).toHaveLength(2);
  });

  it("a certificate that is refused is shown again where there is no token", async () => {
    bench.token = undefined;
    bench.instead = { kind: "refused", refusal: { reason: "no_evidence", text: "no", isRetriable: false } };
    await bench.pass(13 * HOUR);
    bench.instead = undefined;
    await bench.pass(MINUTE);
    expect(bench.asked.at(-1)?.by).toBe("certificate");
    expect(bench.secrets).toHaveLength(2);
  });

  it("waits as long as the control plane says", async () => {
    const retryAfterMs = 10 * MINUTE;
    bench.instead = {
      kind: "refused",
      refusal: { reason: "rate_limited", text: "later", isRetriable: true, retryAfterMs },
    };
    await bench.pass(13 * HOUR);
    const [first, second] = bench.asked.slice(1);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBe(retryAfterMs);
  });

  it.each([
    ["no chain", { chain: "", notAfter: 0 }, /refused: not_pem/],
    ["roots that are none", { bundle: "x", notAfter: 0 }, /roots of the answer are unusable/],
  ])("an answer with %s leaves what is held in use", async (_name, change, why) => {
    const [held] = bench.secrets;
    const answer = { chain: held?.chain ?? "", bundle: bench.plane.ca.bundle.pem, ...change };
    bench.instead = { kind: "issued", answer };
    await bench.pass(13 * HOUR);
    expect(bench.keeper.svid).toBe(held);
    expect(bench.keeper.lastFailure).toMatch(why);
  });

  it("a certificate for another key is not taken", async () => {
    const [held] = bench.secrets;
    const answer = { chain: held?.chain ?? "", bundle: bench.plane.ca.bundle.pem, notAfter: 0 };
    bench.instead = { kind: "issued", answer };
    await bench.pass(13 * HOUR);
    expect(bench.keeper.lastFailure).toMatch(/refused: other_key/);
  });

  it.each([
    ["an hour ahead", HOUR],
    ["an hour back", -HOUR],
    ["a day back", -24 * HOUR],
  ])("a clock that jumps %s makes no loop of it", async (_name, jump) => {
    await bench.pass(6 * HOUR);
    bench.plane.clock.wall += jump;
    await bench.pass(24 * HOUR);
    expect(bench.asked.length).toBeLessThanOrEqual(5);
    expect(bench.keeper.svid?.notAfter).toBeGreaterThan(bench.plane.clock.wall);
  });
});
