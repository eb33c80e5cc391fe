/**
 * Where questions come in: by UDP and TCP, on the loopback addresses that netfilter redirects to and on no wildcard, since an answer
 * by UDP must come from the address that was asked for the kernel to know it. Everything is bounded: what is under way, connections, what is
 * asked on one, and how long a client may take.
 */
import dgram from "node:dgram";
import net from "node:net";
import type { TimerWheel } from "../net/timer-wheel.ts";
import { TcpClient } from "./tcp-client.ts";

/** IPv4 must be there, IPv6 need not. */
const ADDRESSES = ["127.0.0.1", "::1"] as const;
/** Questions by UDP that wait for an answer; others are not taken. */
export const MAX_WAITING = 1_024;
export const MAX_CONNECTIONS = 128;
/** A port that is free for one of the sockets may be taken for another. */
const TRIES_FOR_A_PORT = 10;

/** What answers: the bytes of a question, by TCP or not, and the client's port. Null: nothing is answered. */
export type Answerer = (message: Buffer, isTcp: boolean, clientPort: number) => Promise<Buffer | null>;

export class Doors {
  readonly port: number;
  readonly #udp: readonly dgram.Socket[];
  readonly #tcp: readonly net.Server[];
  readonly #wheel: TimerWheel;
  readonly #clients = new Set<TcpClient>();
  #answerer: Answerer | undefined;
  #waiting = 0;
  /** Questions that were not taken. */
  refused = 0;

  private constructor(port: number, udp: dgram.Socket[], tcp: net.Server[], wheel: TimerWheel) {
    this.port = port;
    this.#udp = udp;
    this.#tcp = tcp;
    this.#wheel = wheel;
  }

  /** `port` 0: any that is free for all. Rejects with Node's error when it can't be had. */
  static async open(port: number, wheel: TimerWheel): Promise<Doors> {
    for (let tries = 1; ; tries++) {
      const opened: Opened = { udp: [], tcp: [] };
      try {
        const chosen = await openAll(port, opened);
        const doors = new Doors(chosen, opened.udp, opened.tcp, wheel);
        doors.#listen();
        return doors;
      } catch (error) {
        await closeAll(opened);
        const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
        if (port !== 0 || !isTaken || tries >= TRIES_FOR_A_PORT) throw error;
      }
    }
  }

  /** Until then nothing is answered. */
  serve(answerer: Answerer): void {
    this.#answerer = answerer;
  }

  get connections(): number {
    return this.#clients.size;
  }

  close(): Promise<void> {
    for (const client of this.#clients) client.close();
    return closeAll({ udp: [...this.#udp], tcp: [...this.#tcp] });
  }

  #listen(): void {
    for (const socket of this.#udp) {
      socket.on("error", () => {});
      socket.on("message", (message, from) => this.#take(socket, message, from));
    }
    for (const server of this.#tcp) {
      server.maxConnections = MAX_CONNECTIONS;
      server.on("error", () => {});
      server.on("connection", (socket) => {
        const clientPort = socket.remotePort ?? 0;
        const answer = (message: Buffer) => this.#answerer?.(message, true, clientPort) ?? UNANSWERED;
        const client = new TcpClient(socket, this.#wheel, answer);
        this.#clients.add(client);
        socket.on("close", () => this.#clients.delete(client));
      });
    }
  }

  #take(socket: dgram.Socket, message: Buffer, { address, port }: dgram.RemoteInfo): void {
    if (this.#answerer === undefined || this.#waiting >= MAX_WAITING) {
      this.refused++;
      return;
    }
    this.#waiting++;
    void this.#answerer(message, false, port).then((answer) => {
      this.#waiting--;
      // A client that has gone is no error of ours, and a closed door has no one to answer.
      if (answer !== null && !this.#isClosed) socket.send(answer, port, address, () => {});
    });
  }

  get #isClosed(): boolean {
    return this.#tcp.every((server) => !server.listening);
  }
}

const UNANSWERED = Promise.resolve(null);

interface Opened {
  readonly udp: dgram.Socket[];
  readonly tcp: net.Server[];
}

async function openAll(port: number, opened: Opened): Promise<number> {
  let chosen = port;
  for (const address of ADDRESSES) {
    try {
      chosen = await listen(address, chosen, opened);
      await bind(address, chosen, opened);
    } catch (error) {
      if (address === "127.0.0.1" || !isWithoutIpv6(error)) throw error;
    }
  }
  return chosen;
}

function listen(host: string, port: number, { tcp }: Opened): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ allowHalfOpen: true });
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      tcp.push(server);
      const at = server.address();
      resolve(typeof at === "object" && at !== null ? at.port : port);
    });
  });
}

function bind(address: string, port: number, { udp }: Opened): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners("error");
      udp.push(socket);
      resolve();
    });
  });
}

async function closeAll({ udp, tcp }: Opened): Promise<void> {
  const closed = [
    ...udp.map((socket) => new Promise<void>((resolve) => socket.close(resolve))),
    ...tcp.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  ];
  await Promise.all(closed);
}

function isWithoutIpv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}
