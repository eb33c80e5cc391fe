/**
 * One scripted endpoint: takes connections or not, answers after a drawn time with a drawn status, breaks off, keeps silent; by
 * phase of its script. It sees what a real one would see of each try.
 */
import type { EndpointResource } from "../../src/discovery/messages.ts";
import type { Transport } from "../../src/proxy/net/transport.ts";
import type { Timeline } from "./timeline.ts";
import { type Far, Wire } from "./wire.ts";

/** How an endpoint behaves for a while; shares are of 0 to 1. */
export interface Conduct {
  /** Of connections: taken, refused at once, or left without an answer. Default `accept`. */
  readonly connects?: "accept" | "refuse" | "ignore";
  /** Mean time to an answer. Default 5. */
  readonly ms?: number;
  /** How times are drawn around the mean: all the same, or by an exponential distribution. Default `exponential`. */
  readonly spread?: "fixed" | "exponential";
  /** Share of answers that are errors. */
  readonly errors?: number;
  /** Of the errors. Default 503. */
  readonly status?: number;
  /** Share of requests whose connection breaks in place of an answer. */
  readonly resets?: number;
  /** Share of answers whose body comes later than their head. */
  readonly drips?: number;
  /** Share of answers that break off after their head. */
  readonly cuts?: number;
  /** Share of requests that never get an answer. */
  readonly silent?: number;
  /** So many requests at once are worked on, others wait their turn; 0: any number. */
  readonly workers?: number;
  /** What comes while this lasts is taken up when it ends, connections too. */
  readonly isFrozen?: boolean;
  /** Its beginning breaks all connections: a crash. */
  readonly severs?: boolean;
}

export interface Phase {
  /** Milliseconds since the start. */
  readonly from: number;
  readonly conduct: Conduct;
}

export interface InstanceScript {
  /** Default 1. */
  readonly weight?: number;
  readonly zone?: string;
  readonly phases: readonly Phase[];
}

/** A request as it reached an instance. */
export interface Arrival {
  readonly request: number;
  /** Of the exchange's tries, from 1. */
  readonly attempt: number;
  readonly instance: Instance;
}

export interface Network {
  connections: number;
  readonly timeline: Timeline;
  readonly random: () => number;
  onArrival(arrival: Arrival): void;
  /** A try will bring no good answer, and the instance knows. */
  onFailure(arrival: Arrival | null, instance: Instance, why: string): void;
}

/** One way. */
const WIRE_MS = 0.1;
const PORT = 9_000;
const BODY_BYTES = 2;

interface Job {
  readonly wire: InstanceWire;
  readonly arrival: Arrival;
}

export class Instance {
  readonly index: number;
  readonly script: InstanceScript;
  readonly resource: EndpointResource;
  /** Requests that reached it. */
  arrivals = 0;
  /** Most at once that it has had. */
  peak = 0;
  /** Of connections that the near side has not closed, those being made too. */
  readonly wires = new Set<InstanceWire>();
  readonly network: Network;
  #conduct: Conduct = {};
  #working = 0;
  #inHand = 0;
  readonly #queue: Job[] = [];
  #frozen: (() => void)[] = [];

  constructor(index: number, script: InstanceScript, network: Network) {
    this.index = index;
    this.script = script;
    this.network = network;
    const owner = { workload: `shop-${index}`, namespace: "default", serviceAccount: "default" };
    this.resource = {
      address: `10.0.0.${index + 1}`,
      port: PORT,
      weight: script.weight ?? 1,
      ...owner,
      app: "shop",
      version: "v1",
      ...(script.zone === undefined ? {} : { zone: script.zone }),
    };
    for (const phase of script.phases) network.timeline.at(phase.from, () => this.#begin(phase.conduct));
  }

  /** Requests that it has and has not answered. */
  get inHand(): number {
    return this.#inHand;
  }
  get conduct(): Conduct {
    return this.#conduct;
  }
  get isWell(): boolean {
    const {
      connects = "accept",
      errors = 0,
      resets = 0,
      cuts = 0,
      silent = 0,
      isFrozen = false,
    } = this.#conduct;
    return connects === "accept" && errors + resets + cuts + silent === 0 && !isFrozen;
  }

  #begin(conduct: Conduct): void {
    this.#conduct = conduct;
    if (conduct.severs === true) {
      this.#queue.length = 0;
      for (const wire of this.wires) wire.sever();
    }
    if (conduct.isFrozen === true) return;
    const frozen = this.#frozen;
    this.#frozen = [];
    for (const thaw of frozen) thaw();
  }

  /** Somebody dials. */
  connect(wire: InstanceWire, onConnect: () => void): void {
    const { connects = "accept", isFrozen = false } = this.#conduct;
    if (isFrozen) {
      this.network.onFailure(null, this, "frozen");
      this.#frozen.push(() => this.connect(wire, onConnect));
    } else if (connects === "accept") {
      this.network.timeline.after(2 * WIRE_MS, () => {
        if (wire.near.isOpen) onConnect();
      });
    } else if (connects === "refuse") {
      this.network.onFailure(null, this, "refused");
      wire.near.breaks(2 * WIRE_MS, "ECONNREFUSED");
    } else this.network.onFailure(null, this, "ignored");
  }

  /** A request has come. */
  take(wire: InstanceWire, request: number, attempt: number): void {
    this.arrivals++;
    const arrival: Arrival = { request, attempt, instance: this };
    this.network.onArrival(arrival);
    this.#inHand++;
    this.peak = Math.max(this.peak, this.#inHand);
    wire.arrival = arrival;
    this.#work({ wire, arrival });
  }

  /** A connection was closed on it, or it has answered. */
  left(): void {
    this.#inHand--;
  }

  #work(job: Job): void {
    const { isFrozen = false, workers = 0, silent = 0 } = this.#conduct;
    const { random } = this.network;
    if (isFrozen) this.#frozen.push(() => this.#work(job));
    else if (silent > 0 && random() < silent) this.network.onFailure(job.arrival, this, "silent");
    else if (workers > 0 && this.#working >= workers) this.#queue.push(job);
    else this.#serve(job);
  }

  #serve(job: Job): void {
    const { ms = 5, spread = "exponential", errors = 0, status = 503, resets = 0 } = this.#conduct;
    const { drips = 0, cuts = 0 } = this.#conduct;
    const { random, timeline } = this.network;
    const took = spread === "fixed" ? ms : -ms * Math.log(1 - random());
    const isReset = resets > 0 && random() < resets;
    const answer = errors > 0 && random() < errors ? status : 200;
    const isCut = cuts > 0 && random() < cuts;
    const isDripping = isCut || (drips > 0 && random() < drips);
    this.#working++;
    timeline.after(WIRE_MS + took, () => {
      this.#working--;
      const next = this.#queue.shift();
      if (next !== undefined) this.#work(next);
      const { wire, arrival } = job;
      if (wire.arrival !== arrival) return;
      if (isReset || answer >= 500) this.network.onFailure(arrival, this, isReset ? "reset" : `${answer}`);
      if (isReset) wire.near.breaks(WIRE_MS, "ECONNRESET");
      if (isReset || !isDripping) wire.answered();
      if (isReset) return;
      const bytes = answerOf(answer);
      if (!isDripping) {
        wire.near.deliver(bytes, WIRE_MS);
        return;
      }
      wire.near.deliver(bytes.subarray(0, -BODY_BYTES), WIRE_MS);
      timeline.after(took, () => {
        if (wire.arrival !== arrival) return;
        wire.answered();
        if (isCut) wire.near.breaks(WIRE_MS, "ECONNRESET");
        else wire.near.deliver(bytes.subarray(-BODY_BYTES), WIRE_MS);
      });
    });
  }
}

/** The instance's end of a connection. */
export class InstanceWire implements Far {
  readonly near: Wire;
  /** What it has to answer. */
  arrival: Arrival | null = null;
  readonly #instance: Instance;
  #request = 0;
  #attempt = 0;
  #bodyLeft = 0;

  constructor(instance: Instance, sink: Transport["sink"]) {
    this.#instance = instance;
    const { address, port } = instance.resource;
    this.near = new Wire(instance.network.timeline, this, `${address}:${port}`);
    this.near.sink = sink;
    instance.wires.add(this);
    instance.network.connections++;
  }

  received(bytes: Uint8Array): void {
    let at = 0;
    if (this.#bodyLeft === 0) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
      at = text.indexOf("\r\n\r\n") + 4;
      this.#request = Number(text.slice(text.indexOf("/") + 1, text.indexOf(" ", text.indexOf("/"))));
      this.#attempt = numberAfter(text, "x-weft-attempt: ");
      this.#bodyLeft = numberAfter(text, "Content-Length: ");
    }
    this.#bodyLeft -= bytes.length - at;
    if (this.#bodyLeft === 0) this.#instance.take(this, this.#request, this.#attempt);
  }

  ended(): void {
    if (this.#instance.wires.delete(this)) this.#instance.network.connections--;
    this.answered();
  }

  answered(): void {
    if (this.arrival === null) return;
    this.arrival = null;
    this.#instance.left();
  }

  sever(): void {
    if (this.arrival !== null) this.#instance.network.onFailure(this.arrival, this.#instance, "severed");
    this.near.breaks(0, "ECONNRESET");
  }
}

function numberAfter(text: string, words: string): number {
  const at = text.indexOf(words);
  return at < 0 ? 0 : Number.parseInt(text.slice(at + words.length, at + words.length + 9), 10);
}

const answers = new Map<number, Buffer>();

function answerOf(status: number): Buffer {
  let bytes = answers.get(status);
  if (bytes === undefined) {
    bytes = Buffer.from(`HTTP/1.1 ${status} Scripted\r\nContent-Length: 2\r\n\r\nok`);
    answers.set(status, bytes);
  }
  return bytes;
}
