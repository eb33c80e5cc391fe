/** Replicas of a control plane with their registries alone, on a virtual clock: they tell and hear each other as over a ConfigMap. */

import { NO_INSTANCES } from "../../src/control-plane/compile/instances.ts";
import { tellOf } from "../../src/control-plane/registry/elsewhere.ts";
import { Registrations } from "../../src/control-plane/registry/registrations.ts";
import type { ReplicaWord } from "../../src/control-plane/shared-root.ts";
import { BEAT_MS, DEAD_MS } from "../../src/control-plane/source/kubernetes/replicas.ts";
import type { Resource } from "../../src/resources/resource.ts";

export const PORT = { name: "http", port: 80 };
export const SERVICE = {
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { ports: [PORT] },
};

interface Replica {
  readonly registrations: Registrations;
  /** What it last wrote. */
  text: string;
  writtenAt: number;
  hasLeft: boolean;
}

/** Replicas that write and read as those of a cluster do, in steps of a second. */
export class ReplicaMesh {
  now = 0;
  readonly #replicas = new Map<string, Replica>();
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  start(name: string): Registrations {
    const registrations = new Registrations({
      known: NO_INSTANCES,
      onChange: () => {},
      after: (ms, run) => {
        const timer = { at: this.now + ms, run };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    });
    registrations.see([SERVICE as unknown as Resource]);
    this.#replicas.set(name, { registrations, text: "", writtenAt: Number.NaN, hasLeft: false });
    this.write(name);
    this.read(name);
    return registrations;
  }

  /** What has not changed is written with each beat. */
  write(name: string, text = JSON.stringify(tellOf(this.#of(name).registrations.claims).registrants)): void {
    const { text: before, writtenAt } = this.#of(name);
    if (text !== before || !(this.now - writtenAt < BEAT_MS))
      Object.assign(this.#of(name), { text, writtenAt: this.now });
  }

  registrations(name: string): Registrations {
    return this.#of(name).registrations;
  }

  read(name: string): void {
    const words = [...this.#replicas].filter(([other]) => other !== name).map(this.#word);
    this.#of(name).registrations.hear(words, this.now);
  }

  /** The replicas that run tell and hear each other. */
  exchange(...names: readonly string[]): void {
    for (const name of names) this.write(name);
    for (const name of names) this.read(name);
  }

  /** It says that it ends. */
  end(name: string): void {
    this.#of(name).writtenAt = Number.NaN;
    this.write(name);
    this.#of(name).hasLeft = true;
  }

  /** Lets seconds pass, with an exchange of these in each of them; `each`: after it. */
  pass(ms: number, names: readonly string[], each = () => {}): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 1_000;
      for (const timer of [...this.#timers].filter(({ at }) => at <= this.now)) {
        this.#timers.delete(timer);
        timer.run();
      }
      this.exchange(...names);
      each();
    }
  }

  /** Addresses by which callers of each of these replicas reach the Service. */
  at(...names: readonly string[]): string {
    const lists = names.map((name) => this.#of(name).registrations.at("default/web", PORT));
    return lists
      .map(
        (list) =>
          list
            .map(({ address }) => address)
            .sort()
            .join("+") || "-",
      )
      .join(" ");
  }

  readonly #words = new Map<string, readonly [string, number, unknown]>();
  /** Each text is another value, as long as it is the same text. */
  readonly #word = ([replica, { text, writtenAt, hasLeft }]: [string, Replica]): ReplicaWord => {
    const known = this.#words.get(replica);
    const isKnown = known?.[0] === text && known[1] === writtenAt;
    const registrants = isKnown ? known[2] : parsed(text);
    this.#words.set(replica, [text, writtenAt, registrants]);
    return { replica, registrants, isOver: hasLeft || this.now - writtenAt >= DEAD_MS };
  };

  #of(name: string): Replica {
    const replica = this.#replicas.get(name);
    if (replica === undefined) throw new Error(`there is no ${name}`);
    return replica;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
