/** Both halves of a handshake in this process, on real sockets, with a wheel and a wall clock that only the test moves. */
import net from "node:net";
import type { EndpointResource } from "../../src/discovery/messages.ts";
import type { Secret } from "../../src/identity/secret.ts";
import { Credentials, Keyring } from "../../src/proxy/net/credentials.ts";
import type { HandshakeFault } from "../../src/proxy/net/handshake-fault.ts";
import { Listener } from "../../src/proxy/net/listener.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Acceptor, type VerifiedClient } from "../../src/proxy/net/tls-accept.ts";
import { Origination, type TlsTarget } from "../../src/proxy/net/tls-connect.ts";
import { TlsConnection } from "../../src/proxy/net/tls-connection.ts";
import { NO_SINK, type Transport } from "../../src/proxy/net/transport.ts";

export interface Counted {
  readonly completed: string[];
  readonly failed: HandshakeFault[];
}

function counts() {
  const counted: Counted = { completed: [], failed: [] };
  return {
    counted,
    completed: (isResumed: boolean) => counted.completed.push(isResumed ? "resumed" : "full"),
    failed: (fault: HandshakeFault) => counted.failed.push(fault),
  };
}

export interface TestAcceptor {
  readonly port: number;
  readonly counted: Counted;
  readonly clients: (VerifiedClient | null)[];
  /** By ALPN, of those that came under TLS. */
  readonly protocols: string[];
  readonly acceptor: Acceptor<null>;
  readonly keyring: Keyring;
  /** Moves the wheel's clock. */
  advance(ms: number): void;
  close(): void;
}

/** Answers each first bytes of a connection with themselves. `silenceMs`: as for `accept`. */
export async function startAcceptor(
  secret: Secret | null,
  takesPlaintext = false,
  silenceMs = 0,
): Promise<TestAcceptor> {
  let now = 0;
  const wheel = new TimerWheel(() => now);
  const keyring = new Keyring();
  if (secret !== null) keyring.credentials = new Credentials(secret);
  const { counted, ...handshakes } = counts();
  const clients: (VerifiedClient | null)[] = [];
  const protocols: string[] = [];
  const open = new Set<Transport>();
  const acceptor = new Acceptor<null>({
    wheel,
    keyring,
    counts: handshakes,
    takesPlaintext: () => takesPlaintext,
    onConnection(transport, client) {
      clients.push(client);
      if (transport instanceof TlsConnection) protocols.push(transport.protocol);
      open.add(transport);
      transport.sink = {
        ...NO_SINK,
        onData: (buf, start, end) => transport.write(Buffer.from(buf.subarray(start, end))),
        onEnd: () => transport.end(),
      };
    },
  });
  const listener = new Listener((socket, server) => acceptor.accept(socket, server, null, silenceMs));
  const port = await listener.listen({ host: "127.0.0.1", port: 0, reusePort: false });
  return {
    port,
    counted,
    clients,
    protocols,
    acceptor,
    keyring,
    advance(ms) {
      now += ms;
      wheel.advance();
    },
    close() {
      acceptor.closeAll();
      for (const transport of open) transport.close();
      listener.close();
    },
  };
}

export interface TestOriginator {
  readonly keyring: Keyring;
  readonly counted: Counted;
  /** Connects, sends a word, and resolves with what came back, or with the error's code and text. */
  ask(target: TlsTarget): Promise<string>;
}

export function makeOriginator(secret: Secret): TestOriginator {
  const keyring = new Keyring();
  keyring.credentials = new Credentials(secret);
  const { counted, ...handshakes } = counts();
  const origination = new Origination(keyring, handshakes);
  const ask = (target: TlsTarget) =>
    new Promise<string>((resolve) => {
      const transport = origination.connect(
        {
          ...NO_SINK,
          onData: (buf, start, end) => {
            resolve(buf.toString("latin1", start, end));
            transport.close();
          },
          onEnd: () => transport.end(),
          onClose: (error) => resolve(error === null ? "closed" : `${error.code}: ${error.message}`),
        },
        target,
        () => false,
        () => transport.write(Buffer.from("hello")),
      );
    });
  return { keyring, counted, ask };
}

/** Where a workload of namespace `default` should be. */
export function targetAt(port: number, serviceAccount: EndpointResource["serviceAccount"]): TlsTarget {
  return { address: "127.0.0.1", port, namespace: "default", serviceAccount, session: null, protocol: null };
}

/** A client that sends these bytes and then nothing, and whether it has been closed. */
export function silentClient(port: number, bytes: string): { socket: net.Socket; isClosed: () => boolean } {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  let isClosed = false;
  socket.on("close", () => {
    isClosed = true;
  });
  socket.on("error", () => {});
  socket.resume();
  socket.write(bytes, "latin1");
  return { socket, isClosed: () => isClosed };
}
