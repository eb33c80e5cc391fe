/** Random hand-overs: whatever replicas and sidecars go through, nobody who lives is lost on the way, and in the end all know the same. */
import { describe, expect, it } from "vitest";
import { registering } from "../../../test/harness/node.ts";
import { below, oneOf, seededRandom } from "../../../test/harness/random.ts";
import { ReplicaMesh } from "../../../test/harness/replica-mesh.ts";
import type { Node } from "../../discovery/messages.ts";

interface Sidecar {
  readonly workload: string;
  /** Of its process; empty: there is none. */
  address: string;
  /** Where its stream is; empty: it comes back at `backAt`. */
  at: string;
  since: number;
  backAt: number;
}

/** As long as a replica believes in a stream that is gone. */
const HALF_OPEN_MS = 6_000;
/** A stream lasts so long that the others hear of it. */
const SHORTEST_MS = 2_000;
const LONGEST_BACK_MS = 15_000;

class Life {
  readonly #random: () => number;
  readonly mesh = new ReplicaMesh();
  readonly running: string[] = [];
  readonly sidecars: Sidecar[] = ["one", "two", "three"].map((workload) => {
    return { workload, address: "", at: "", since: 0, backAt: 0 };
  });
  readonly #nodes = new Map<string, Node>();
  #ends: { readonly at: number; readonly run: () => void }[] = [];
  #names = 0;
  readonly log: string[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    for (let n = 0; n < 3; n++) this.#startReplica();
  }

  step(): void {
    const { mesh } = this;
    mesh.pass(1_000, []);
    for (const { at, run } of this.#ends) if (at <= mesh.now) run();
    this.#ends = this.#ends.filter(({ at }) => at > mesh.now);
    for (const sidecar of this.sidecars) {
      if (sidecar.address !== "" && sidecar.at === "" && sidecar.backAt <= mesh.now) this.#connect(sidecar);
    }
  }

  act(): void {
    const what = below(this.#random, 60);
    const sidecar = oneOf(this.#random, this.sidecars);
    if (what < 4 && sidecar.address === "") {
      sidecar.address = `10.0.${below(this.#random, 250)}.${below(this.#random, 250)}`;
      this.#connect(sidecar);
    } else if (what < 6 && sidecar.at !== "") this.#goodBye(sidecar);
    else if (what < 9 && sidecar.at !== "" && this.#isTold(sidecar))
      this.#lose(sidecar, below(this.#random, HALF_OPEN_MS));
    else if ((what === 10 || what === 11) && this.running.length > 1) this.#endReplica(what === 10);
    else if (what === 12 && this.running.length < 4) this.#startReplica();
  }

  exchange(share: number): void {
    for (const name of this.running) if (this.#random() < share) this.mesh.write(name);
    for (const name of this.running) if (this.#random() < share) this.mesh.read(name);
  }

  #isTold({ since }: Sidecar): boolean {
    return this.mesh.now - since >= SHORTEST_MS;
  }

  #connect(sidecar: Sidecar): void {
    sidecar.at = oneOf(this.#random, this.running);
    sidecar.since = this.mesh.now;
    this.log.push(`${this.mesh.now} ${sidecar.workload} ${sidecar.address} at ${sidecar.at}`);
    const node = registering(sidecar.workload, { address: sidecar.address });
    this.#nodes.set(sidecar.workload, node);
    this.mesh.registrations(sidecar.at).arrived(node);
  }

  #goodBye(sidecar: Sidecar): void {
    this.log.push(`${this.mesh.now} ${sidecar.workload} says good-bye at ${sidecar.at}`);
    const node = this.#nodes.get(sidecar.workload) as Node;
    this.mesh.registrations(sidecar.at).leaving(node);
    this.mesh.registrations(sidecar.at).left(node);
    Object.assign(sidecar, { address: "", at: "" });
  }

  #lose(sidecar: Sidecar, noticedIn: number): void {
    const { at: replica } = sidecar;
    const node = this.#nodes.get(sidecar.workload) as Node;
    const run = () => this.mesh.registrations(replica).left(node);
    this.#ends.push({ at: this.mesh.now + noticedIn, run });
    sidecar.at = "";
    sidecar.backAt = this.mesh.now + below(this.#random, LONGEST_BACK_MS);
    this.log.push(`${this.mesh.now} ${sidecar.workload} loses ${replica}, back at ${sidecar.backAt}`);
  }

  #startReplica(): void {
    const name = `r${this.#names++}`;
    this.running.push(name);
    this.mesh.start(name);
    this.log.push(`${this.mesh.now} ${name} starts`);
  }

  #endReplica(says: boolean): void {
    const name = oneOf(this.#random, this.running);
    const own = this.sidecars.filter(({ at }) => at === name);
    if (!own.every((sidecar) => this.#isTold(sidecar))) return;
    this.running.splice(this.running.indexOf(name), 1);
    for (const sidecar of own) this.#lose(sidecar, 0);
    if (says) this.mesh.end(name);
    this.log.push(`${this.mesh.now} ${name} ${says ? "ends" : "dies"}`);
  }

  /** Addresses, by replica. */
  seen(): readonly string[] {
    return this.running.map((name) => this.mesh.at(name));
  }

  get true(): string {
    const living = this.sidecars.map(({ address }) => address).filter((address) => address !== "");
    return living.sort().join("+") || "-";
  }
}

const SEEDS = Array.from({ length: 200 }, (_, n) => n);

describe("random hand-overs", () => {
  it("lose nobody who lives", () => {
    for (const seed of SEEDS) {
      const life = new Life(seed);
      const known = new Map<string, Set<string>>();
      for (let n = 0; n < 300; n++) {
        life.step();
        life.act();
        life.exchange(1);
        const living = new Set(life.true.split("+"));
        for (const [i, name] of life.running.entries()) {
          const seen = life.seen()[i]?.split("+") ?? [];
          expect(new Set(seen).size, `seed ${seed}: doubled`).toBe(seen.length);
          for (const address of known.get(name) ?? []) {
            if (address !== "-" && living.has(address) && !seen.includes(address))
              expect.fail(
                `seed ${seed}: ${name} lost ${address} at ${life.mesh.now}\n${life.log.join("\n")}`,
              );
          }
          known.set(name, new Set(seen));
        }
      }
    }
  });

  it("end with all replicas of one mind, whatever got lost between them", () => {
    for (const seed of SEEDS) {
      const life = new Life(seed);
      for (let n = 0; n < 300; n++) {
        life.step();
        life.act();
        life.exchange(0.4);
      }
      for (let n = 0; n < 60; n++) {
        life.step();
        life.exchange(1);
      }
      expect(new Set(life.seen()), `seed ${seed}\n${life.log.join("\n")}`).toEqual(new Set([life.true]));
    }
  });
});
