/**
 * The server's half of mutual TLS on accepted sockets: first bytes, handshake, and who the client is. Nothing is handed over
 * before `verifyPeer` has said that it is a peer. Connections that take too long, or are too many, are closed here, so that
 * strangers hold neither memory nor time of the loop.
 */
import type net from "node:net";
import type { Server, TLSSocket } from "node:tls";
import { CLOCK_SKEW_MS } from "../../identity/leaf-check.ts";
import type { Credentials, Keyring } from "./credentials.ts";
import { type HandshakeFault, handshakeFault } from "./handshake-fault.ts";
import { sniff } from "./sniff.ts";
import { TcpConnection } from "./tcp-connection.ts";
import { Timed, type TimerWheel } from "./timer-wheel.ts";
import type { HandshakeCounts } from "./tls-connect.ts";
import { TlsConnection } from "./tls-connection.ts";
import { NO_SINK, type Sink } from "./transport.ts";

/** From the connection to the end of its handshake. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Connections of a loop without a verified peer; each costs about 40 kB. */
export const MAX_HANDSHAKES = 1_024;
/** One that has taken this long makes room for a new one when there are too many. */
const PATIENCE_MS = 1_000;

const NOTHING = Buffer.alloc(0);

/** A client that has proven who it is. */
export interface VerifiedClient {
  /** SPIFFE id. */
  readonly id: string;
  readonly namespace: string;
  /** SHA-256 of its certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** When its proof, or ours, ends; milliseconds since 1970. */
  readonly expiresAt: number;
}

/** `C`: what the caller wants to know of a connection once its peer is known. */
export interface AcceptorOptions<C> {
  readonly wheel: TimerWheel;
  readonly keyring: Keyring;
  readonly counts: HandshakeCounts;
  /** Whether connections without TLS are taken, now. */
  takesPlaintext(): boolean;
  /** Its sink is the caller's to set. */
  onConnection(transport: TcpConnection | TlsConnection, client: VerifiedClient | null, context: C): void;
}

export class Acceptor<C> {
  readonly #options: AcceptorOptions<C>;
  /** In order of arrival. */
  readonly #pending = new Set<Pending<C>>();
  readonly #byTcp = new WeakMap<net.Socket, Pending<C>>();
  readonly #known = new WeakSet<Server>();

  constructor(options: AcceptorOptions<C>) {
    this.#options = options;
  }

  /** Connections whose peer is not known yet. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Takes a socket of a server with `pauseOnConnect`. `silenceMs`: a client that is silent for so long waits for the server to speak,
   * and so speaks no TLS; 0: none does.
   */
  accept(socket: net.Socket, server: net.Server, context: C, silenceMs = 0): void {
    const { wheel } = this.#options;
    const now = wheel.now();
    const pending = new Pending(this, now, context);
    this.#pending.add(pending);
    pending.hopesForServer = silenceMs > 0 && this.#options.takesPlaintext();
    wheel.set(pending, now + (pending.hopesForServer ? silenceMs : HANDSHAKE_TIMEOUT_MS));
    pending.begin(socket, server);
    if (this.#pending.size <= MAX_HANDSHAKES) return;
    const [oldest = pending] = this.#pending;
    (now - oldest.since > PATIENCE_MS ? oldest : pending).fail("too_many");
  }

  /** Handshakes under way. */
  get busy(): number {
    let count = 0;
    for (const pending of this.#pending) if (pending.hasBegun) count++;
    return count;
  }

  /** Closes those that have not said anything yet. */
  closeIdle(): void {
    for (const pending of this.#pending) if (!pending.hasBegun) pending.tcp.close();
  }

  closeAll(): void {
    for (const pending of this.#pending) pending.fail("closed");
  }

  /** Bytes without TLS, the first of the connection. */
  takePlaintext(pending: Pending<C>, buf: Buffer, start: number, end: number): void {
    if (!this.#options.takesPlaintext()) {
      pending.fail("plaintext");
      return;
    }
    this.#forget(pending);
    const { tcp } = pending;
    tcp.sink = NO_SINK;
    this.#options.onConnection(tcp, null, pending.context);
    if (end > start) tcp.sink.onData(buf, start, end);
  }

  /** Nothing has been read for a while; false: the client has to speak. */
  takeSilence(pending: Pending<C>): boolean {
    if (!pending.hopesForServer) return false;
    pending.hopesForServer = false;
    // After a stall of the loop timers come before what lies in the sockets, which would be taken for silence.
    setImmediate(() => this.#isSilent(pending));
    return true;
  }

  #isSilent(pending: Pending<C>): void {
    if (!this.#pending.has(pending)) return;
    if (pending.hasBegun) this.#options.wheel.set(pending, pending.since + HANDSHAKE_TIMEOUT_MS);
    else this.takePlaintext(pending, NOTHING, 0, 0);
  }

  /** `hello`: what has been read of the connection. */
  shakeHands(pending: Pending<C>, hello: Buffer): void {
    const { credentials } = this.#options.keyring;
    const socket = pending.tcp.socket;
    if (socket === null) return;
    if (credentials === null) {
      pending.fail("no_own_certificate");
      return;
    }
    pending.credentials = credentials;
    this.#byTcp.set(socket, pending);
    this.#listen(credentials.server);
    pending.tcp.pause();
    // Who ends the connection in the middle of a handshake does not wait for an answer.
    socket.allowHalfOpen = false;
    socket.unshift(hello);
    credentials.server.emit("connection", socket);
  }

  #listen(server: Server): void {
    if (this.#known.has(server)) return;
    this.#known.add(server);
    server.on("tlsClientError", (error, socket) => this.#of(socket)?.fail(handshakeFault(error)));
    server.on("secureConnection", (socket) => {
      socket.on("error", () => {});
      const pending = this.#of(socket);
      if (pending === undefined) socket.destroy();
      else this.#judge(pending, socket);
    });
  }

  #of(socket: TLSSocket): Pending<C> | undefined {
    const { _parent: tcp } = socket as unknown as Wrapped;
    const pending = tcp === null ? undefined : this.#byTcp.get(tcp);
    return pending !== undefined && this.#pending.has(pending) ? pending : undefined;
  }

  #judge(pending: Pending<C>, socket: TLSSocket): void {
    const { tcp, credentials } = pending;
    const certificate = socket.getPeerX509Certificate();
    if (credentials === null || tcp.socket === null) return;
    const verdict = credentials.verify(socket, "client", certificate?.raw);
    if (credentials.isExpired) pending.fail("own_certificate_expired");
    else if (verdict.kind === "refused") pending.fail(verdict.reason);
    else {
      this.#forget(pending);
      this.#options.counts.completed(socket.isSessionReused());
      socket.allowHalfOpen = true;
      const connection = new TlsConnection(NO_SINK);
      const expiresAt = Math.min(verdict.certificate.notAfter, credentials.notAfter) + CLOCK_SKEW_MS;
      connection.begin(socket, tcp.socket, expiresAt);
      tcp.sink = NO_SINK;
      const client = {
        id: verdict.id,
        namespace: verdict.workload.namespace,
        fingerprint: certificate?.fingerprint256.replaceAll(":", "").toLowerCase() ?? "",
        expiresAt,
      };
      this.#options.onConnection(connection, client, pending.context);
    }
  }

  failed(pending: Pending<C>, fault: HandshakeFault): void {
    if (this.#forget(pending)) this.#options.counts.failed(fault);
  }

  /** A connection that never began to speak is nobody's failure. */
  left(pending: Pending<C>): void {
    this.#forget(pending);
  }

  #forget(pending: Pending<C>): boolean {
    this.#options.wheel.remove(pending);
    return this.#pending.delete(pending);
  }
}

/** One connection until its peer is known. */
class Pending<C> extends Timed implements Sink {
  readonly since: number;
  readonly context: C;
  /** It may be waiting for the server to speak. */
  hopesForServer = false;
  readonly tcp: TcpConnection;
  /** Those that the handshake began with. */
  credentials: Credentials | null = null;
  readonly #acceptor: Acceptor<C>;
  #early: Buffer | null = null;

  constructor(acceptor: Acceptor<C>, since: number, context: C) {
    super();
    this.context = context;
    this.#acceptor = acceptor;
    this.since = since;
    this.tcp = new TcpConnection(this);
  }

  /** The client has said something. */
  get hasBegun(): boolean {
    return this.credentials !== null || this.#early !== null;
  }

  begin(socket: net.Socket, server: net.Server): void {
    this.tcp.accept(socket, server);
  }

  onData(buf: Buffer, start: number, end: number): void {
    if (this.#early !== null) {
      const joined = Buffer.concat([this.#early, buf.subarray(start, end)]);
      this.#early = null;
      this.onData(joined, 0, joined.length);
      return;
    }
    switch (sniff(buf, start, end)) {
      case "plaintext":
        this.#acceptor.takePlaintext(this, buf, start, end);
        return;
      case "tls":
        this.#acceptor.shakeHands(this, Buffer.from(buf.subarray(start, end)));
        return;
      case "undecided":
        this.#early = Buffer.from(buf.subarray(start, end));
    }
  }

  onEnd(): void {
    this.tcp.close();
  }

  onDrain(): void {}

  onClose(): void {
    if (this.hasBegun) this.#acceptor.failed(this, "closed");
    else this.#acceptor.left(this);
  }

  override onDeadline(): void {
    if (!this.#acceptor.takeSilence(this)) this.fail("timeout");
  }

  fail(fault: HandshakeFault): void {
    this.#acceptor.failed(this, fault);
    this.tcp.close();
  }
}

/** A TLS socket and the TCP socket in it, which Node does not tell of otherwise. */
interface Wrapped {
  readonly _parent: net.Socket | null;
}
