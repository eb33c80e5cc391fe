/** A DNS proxy on real loopback sockets, between a control plane that knows some names, a resolver that says what a test wants, and clients. */
import dgram from "node:dgram";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import {
  type Answer,
  type DecodedPacket,
  decode,
  encode,
  type Question,
  RECURSION_DESIRED,
} from "dns-packet";
import type { HostResource } from "../../src/discovery/host.ts";
import { Frames, framed } from "../../src/proxy/dns/frames.ts";
import type { Zone } from "../../src/proxy/dns/handler.ts";
import { DnsProxy } from "../../src/proxy/dns/proxy.ts";
import type { Resolver } from "../../src/proxy/dns/resolvers.ts";
import { Hosts } from "../../src/proxy/snapshot/hosts.ts";
import type { SubscriptionLink } from "../../src/proxy/snapshot/subscriber.ts";

export const DOMAIN = "cluster.local";
const CLIENT_MS = 8_000;

/** What a resolver answers to a question, from which other answers may follow. Null: nothing. */
export type Answering = (
  question: Question,
  message: Buffer,
  by: "udp" | "tcp",
  send: (answer: Buffer) => void,
) => Buffer | null;

export interface StubResolver extends Resolver {
  /** As `TYPE NAME udp|tcp`, in the order in which they came. */
  readonly asked: string[];
  /** Clients' ports and ids. */
  readonly seen: { readonly port: number; readonly id: number }[];
}

export class Bench {
  readonly warnings: string[] = [];
  /** Names that the control plane was asked for, and those given back. */
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];
  readonly names = new Map<string, HostResource>();
  /** The control plane says nothing while it is. */
  isSilent = false;
  /** Names of which it says nothing until `speak`. */
  readonly slow = new Set<string>();
  /** Milliseconds, by which names count as asked for. */
  now = 0;
  #speak: (names: readonly string[]) => void = () => {};
  zone: Zone = { namespace: "default", domain: DOMAIN, timeoutMs: 1_000, isConnected: true };
  readonly #closers: (() => void | Promise<void>)[] = [];
  #proxy: DnsProxy | undefined;

  /** Starts the proxy; it asks these resolvers. */
  async start(...resolvers: readonly Resolver[]): Promise<DnsProxy> {
    const proxy = await DnsProxy.open({ port: 0, resolvers, warn: (message) => this.warnings.push(message) });
    this.#proxy = proxy;
    this.#closers.push(() => proxy.close());
    const link: SubscriptionLink = {
      subscribe: (_type, names) => {
        this.subscribed.push(...names);
        const said = names.filter((name) => !this.isSilent && !this.slow.has(name));
        if (said.length > 0) setImmediate(() => this.#say(hosts, said));
      },
      unsubscribe: (_type, names) => this.unsubscribed.push(...names),
    };
    const hosts = new Hosts(link, undefined, () => this.now);
    this.#speak = (names) => this.#say(hosts, names);
    proxy.serve(hosts, () => this.zone);
    return proxy;
  }

  /** The control plane says what it knows of all names that it was asked for. */
  speak(): void {
    this.#speak(this.subscribed);
  }

  get port(): number {
    return this.#proxy?.port ?? 0;
  }

  /** The mesh has a Service of this name. */
  knows(name: string, more: Partial<HostResource>): void {
    const [service = "", namespace = ""] = name.split(".");
    this.names.set(name, { name, service: { name: service, namespace }, addresses: [], ports: [], ...more });
  }

  async resolver(answering: Answering): Promise<StubResolver> {
    const asked: string[] = [];
    const seen: StubResolver["seen"] = [];
    const take = (message: Buffer, port: number, by: "udp" | "tcp", send: (answer: Buffer) => void): void => {
      const { id = 0, questions = [] } = decode(message);
      const [question] = questions;
      if (question === undefined) return;
      asked.push(`${question.type} ${question.name} ${by}`);
      seen.push({ port, id });
      const answer = answering(question, message, by, send);
      if (answer !== null) send(answer);
    };
    const { udp, tcp, port } = await openBoth();
    udp.on("message", (message, from) =>
      take(message, from.port, "udp", (answer) => udp.send(answer, from.port, from.address)),
    );
    tcp.on("connection", (socket) => {
      const frames = new Frames();
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        frames.push(chunk);
        for (let next = frames.next(); next !== undefined; next = frames.next())
          take(next, socket.remotePort ?? 0, "tcp", (answer) => socket.write(framed(answer)));
      });
    });
    this.#closers.push(
      () => void udp.close(),
      () => void tcp.close(),
    );
    return { address: "127.0.0.1", port, asked, seen };
  }

  /** One question by UDP; undefined: no answer in 8 s. */
  async ask(name: string, type: AskedType = "A", more: { edns?: number; host?: string } = {}) {
    const bytes = await this.send(questionBytes(name, type, more.edns), more.host);
    return bytes === undefined ? undefined : read(bytes);
  }

  async send(message: Buffer, host = "127.0.0.1"): Promise<Buffer | undefined> {
    const socket = dgram.createSocket(net.isIPv6(host) ? "udp6" : "udp4");
    try {
      socket.send(message, this.port, host);
      const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(CLIENT_MS) })) as [
        Buffer,
      ];
      return answer;
    } catch {
      return undefined;
    } finally {
      socket.close();
    }
  }

  connect(): Client {
    const socket = net.connect(this.port, "127.0.0.1");
    this.#closers.push(() => void socket.destroy());
    return new Client(socket);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  #say(hosts: Hosts, names: readonly string[]): void {
    const found = names.flatMap((name) => this.names.get(name) ?? []);
    hosts.receive({
      type: "host",
      resources: found.map((resource) => ({ name: resource.name, version: "1", resource })),
      removed: names.filter((name) => !this.names.has(name)),
      nonce: "1",
      systemVersion: "1",
    });
  }
}

/** A port that is free for one may be taken for the other. */
async function openBoth(): Promise<{ udp: dgram.Socket; tcp: net.Server; port: number }> {
  for (;;) {
    const tcp = net.createServer().listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const { port } = tcp.address() as AddressInfo;
    const udp = dgram.createSocket("udp4");
    udp.bind(port, "127.0.0.1");
    try {
      await once(udp, "listening");
      return { udp, tcp, port };
    } catch {
      tcp.close();
    }
  }
}

/** A client by TCP. */
export class Client {
  readonly socket: net.Socket;
  readonly answers: DecodedPacket[] = [];
  readonly closed: Promise<unknown>;

  constructor(socket: net.Socket) {
    this.socket = socket;
    const frames = new Frames();
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      frames.push(chunk);
      for (let next = frames.next(); next !== undefined; next = frames.next()) this.answers.push(read(next));
    });
    this.closed = once(socket, "close");
  }
}

export type Read = DecodedPacket & { readonly rcode: string };

/** With the code as a word, which the library's types leave out. */
export function read(bytes: Buffer): Read {
  return decode(bytes) as Read;
}

let lastId = 0;

/** The library's types leave one out. */
type AskedType = Question["type"] | "ANY";

export function questionBytes(name: string, type: AskedType = "A", edns?: number): Buffer {
  const opt: Answer = {
    ...{ type: "OPT", name: ".", udpPayloadSize: edns ?? 0, extendedRcode: 0, ednsVersion: 0 },
    ...{ flags: 0, flag_do: false, options: [] },
  };
  return encode({
    ...{
      type: "query",
      id: ++lastId & 0xffff,
      flags: RECURSION_DESIRED,
      questions: [{ type: type as Question["type"], name }],
    },
    additionals: edns === undefined ? [] : [opt],
  });
}

/** An answer to a message. */
export function answerTo(message: Buffer, answers: Answer[], flags = 0x80): Buffer {
  const { id = 0, questions = [] } = decode(message);
  return encode({ type: "response", id, flags, questions, answers });
}

export function addresses(answers: readonly Answer[] | undefined): readonly unknown[] {
  return (answers ?? []).map((record) => ("data" in record ? record.data : undefined));
}
