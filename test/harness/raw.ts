/** Raw sockets: clients that send exact bytes, and origins that answer with exact bytes and remember what they saw. */
import net from "node:net";

/** Sends the parts one after the other, each in a write of its own, and resolves with all that came until the close. */
export function exchangeBytes(
  port: number,
  parts: readonly string[],
  options: { end?: boolean } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const received: Buffer[] = [];
    const done = () => resolve(Buffer.concat(received).toString("latin1"));
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("end", () => socket.end());
    socket.on("close", done);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") return;
      reject(error);
    });
    const sendFrom = (index: number) => {
      const part = parts[index];
      if (part === undefined) {
        if (options.end === true) socket.end();
        return;
      }
      socket.write(Buffer.from(part, "latin1"), () => setImmediate(() => sendFrom(index + 1)));
    };
    socket.once("connect", () => sendFrom(0));
  });
}

export interface RawOrigin {
  readonly port: number;
  /** Everything received on all connections, in order of arrival. */
  received: string;
  connections: number;
  close(): Promise<void>;
}

/** `answer` gets what one connection has sent so far, and with this read, and says what to do. */
export async function rawOrigin(
  answer: (seen: string, socket: net.Socket, text: string) => void,
): Promise<RawOrigin> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    origin.connections++;
    let seen = "";
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      seen += text;
      origin.received += text;
      answer(seen, socket, text);
    });
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const origin: RawOrigin = {
    port: address !== null && typeof address === "object" ? address.port : 0,
    received: "",
    connections: 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return origin;
}

/** Answers every complete head with 200. */
export function counting(): (seen: string, socket: net.Socket, text: string) => void {
  /** Of each connection: what has come after the last complete head. */
  const rests = new WeakMap<net.Socket, string>();
  return (_seen, socket, text) => {
    const heads = ((rests.get(socket) ?? "") + text).split("\r\n\r\n");
    rests.set(socket, heads.pop() ?? "");
    for (const _head of heads) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  };
}
