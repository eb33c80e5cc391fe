/**
 * The clients: requests at a rate that nobody's slowness lowers, or of so many callers who each wait for their answer. Each
 * request is known by its number from here to the instances, and must end exactly once.
 */
import { Exchange } from "../../src/proxy/request/exchange.ts";
import type { ListenerContext } from "../../src/proxy/request/listener-context.ts";
import type { Timeline } from "./timeline.ts";
import { type Far, Wire } from "./wire.ts";

export interface Request {
  readonly id: number;
  /** Milliseconds since the start. */
  readonly at: number;
  readonly isSafe: boolean;
  /** Its client goes away. */
  readonly leaves: boolean;
  readonly key: number;
  /** Tries that reached an instance, repeats too. */
  arrivals: number;
  /** The greatest number of a try that reached one. */
  attempt: number;
  /** The last to have it. */
  instance: number;
  /** Of its failures as instances saw them. */
  failures: number;
}

export interface Outcome {
  readonly request: Request;
  /** 0: cut off without an answer. */
  readonly status: number;
  /** The answer has begun and not ended. */
  readonly isCut: boolean;
  readonly ms: number;
  /** As the access log would say it. */
  readonly flag: string;
  /** Tries that the product says it made. */
  readonly tries: number;
}

/** A share of time in which requests come at a rate. */
export interface LoadPhase {
  /** Milliseconds since the start. */
  readonly from: number;
  readonly perSecond: number;
}

export interface Load {
  readonly phases: readonly LoadPhase[];
  /** So many callers as well, who ask again this long after each answer. */
  readonly callers?: { readonly count: number; readonly pauseMs: number };
  /** Share of requests that may not be sent twice (POST with a body). */
  readonly unsafe?: number;
  /** Share of requests whose client goes away before it has its answer, within 50 ms. */
  readonly leaving?: number;
  /** How many different keys requests have, for hashing; 0: none. */
  readonly keys?: number;
}

export interface ClientsContext {
  readonly timeline: Timeline;
  readonly random: () => number;
  readonly listener: ListenerContext;
  onSent(request: Request): void;
  onEnded(outcome: Outcome): void;
  /** What must not happen. */
  onFault(what: string): void;
}

export class Clients {
  readonly open = new Map<number, Request>();
  readonly connections = new Set<Client>();
  sent = 0;
  readonly context: ClientsContext;
  readonly #load: Load;
  readonly #endsAt: number;
  readonly #idle: Client[] = [];

  constructor(load: Load, endsAt: number, context: ClientsContext) {
    this.#load = load;
    this.#endsAt = endsAt;
    this.context = context;
    for (const [i, { from, perSecond }] of load.phases.entries()) {
      if (perSecond > 0) this.#come(from, load.phases[i + 1]?.from ?? endsAt, 1_000 / perSecond, from);
    }
    const { count, pauseMs } = load.callers ?? { count: 0, pauseMs: 0 };
    for (let i = 0; i < count; i++) this.#call(pauseMs, (i / count) * pauseMs);
  }

  /** Requests come by chance, at a mean interval. */
  #come(after: number, until: number, meanMs: number, at: number): void {
    const next = at - meanMs * Math.log(1 - this.context.random());
    if (next >= until) return;
    this.context.timeline.at(next, () => {
      this.#send(() => {});
      this.#come(after, until, meanMs, next);
    });
  }

  #call(pauseMs: number, inMs: number): void {
    const { timeline } = this.context;
    timeline.after(inMs, () => {
      if (timeline.elapsed < this.#endsAt) this.#send(() => this.#call(pauseMs, pauseMs));
    });
  }

  #send(onEnd: () => void): void {
    const { random, timeline } = this.context;
    const { unsafe = 0, keys = 0, leaving = 0 } = this.#load;
    const request: Request = {
      id: this.sent++,
      at: timeline.elapsed,
      isSafe: unsafe === 0 || random() >= unsafe,
      leaves: leaving > 0 && random() < leaving,
      key: keys === 0 ? 0 : Math.floor(random() * keys),
      arrivals: 0,
      attempt: 0,
      instance: -1,
      failures: 0,
    };
    this.open.set(request.id, request);
    this.context.onSent(request);
    const client = this.#idle.pop() ?? new Client(this);
    client.send(request, onEnd);
    if (request.leaves) timeline.after(50 * random(), () => client.leave(request));
  }

  rest(client: Client): void {
    this.#idle.push(client);
  }

  gone(client: Client): void {
    this.connections.delete(client);
    const at = this.#idle.lastIndexOf(client);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  closeAll(): void {
    for (const { near } of this.connections) near.close();
  }
}

const BODY = Buffer.from("body");
/** Of every other request, so that bodies are kept apart from heads. */
const BODY_LATER_MS = 1;
const TRACE = "X-Request-Id: 1\r\nTraceparent: 1\r\n";

/** One connection. */
export class Client implements Far {
  readonly near: Wire;
  readonly exchange: Exchange;
  readonly #clients: Clients;
  #request: Request | null = null;
  #onEnd: () => void = () => {};
  #status = 0;
  #bodyLeft = 0;
  #closes = false;

  constructor(clients: Clients) {
    const { timeline, listener } = clients.context;
    this.#clients = clients;
    this.near = new Wire(timeline, this, "10.1.0.1:1024");
    this.exchange = new Exchange(listener, this.near, null);
    clients.connections.add(this);
  }

  send(request: Request, onEnd: () => void): void {
    this.#request = request;
    this.#onEnd = onEnd;
    const fields = `Host: shop\r\n${TRACE}X-Key: key-${request.key}\r\n`;
    this.near.deliver(
      Buffer.from(
        request.isSafe
          ? `GET /${request.id} HTTP/1.1\r\n${fields}\r\n`
          : `POST /${request.id} HTTP/1.1\r\n${fields}Content-Length: 4\r\n\r\n`,
        "latin1",
      ),
      0,
    );
    if (!request.isSafe) this.near.deliver(BODY, request.id % 2 === 0 ? 0 : BODY_LATER_MS);
  }

  leave(request: Request): void {
    if (this.#request === request) this.near.breaks(0, "ECONNRESET");
  }

  received(bytes: Uint8Array): void {
    if (this.#request === null) {
      this.#clients.context.onFault("bytes that belong to no request");
      return;
    }
    let body = bytes.length;
    if (this.#status === 0) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      this.#status = Number(text.slice(9, 12));
      const length = text.search(/content-length: /i);
      this.#bodyLeft = Number.parseInt(text.slice(length + 16, length + 24), 10);
      this.#closes = text.includes("\r\nconnection: close\r\n");
      body -= end + 4;
    }
    this.#bodyLeft -= body;
    if (this.#bodyLeft <= 0) this.#ended(false);
  }

  #ended(isCut: boolean): void {
    const request = this.#request;
    if (request === null) return;
    const clients = this.#clients;
    const { timeline } = clients.context;
    const { flag, tries } = this.exchange;
    const outcome = { request, status: this.#status, isCut, ms: timeline.elapsed - request.at, flag };
    this.#request = null;
    this.#status = 0;
    if (!clients.open.delete(request.id)) clients.context.onFault(`request ${request.id} ended twice`);
    clients.context.onEnded({ ...outcome, tries: tries.retries.count });
    const onEnd = this.#onEnd;
    timeline.after(0, () => {
      if (this.near.isOpen && !this.#closes) clients.rest(this);
      onEnd();
    });
  }

  ended(isClosed: boolean): void {
    this.#ended(this.#status > 0);
    this.#clients.gone(this);
    this.#closes = true;
    if (!isClosed) this.near.finish(0);
  }
}
