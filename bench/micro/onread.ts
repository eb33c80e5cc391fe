/**
 * `node bench/micro/onread.ts`: what reading an accepted socket into a shared buffer (`net/tcp-connection.ts`) saves against
 * 'data' events. Two echo servers in turn, the same client; CPU of the whole process per round trip, medians of rounds.
 */
import net from "node:net";
import { TcpConnection } from "../../src/proxy/net/tcp-connection.ts";

const ROUNDS = 9;
const ROUND_TRIPS = 20_000;
const CONNECTIONS = 32;
const MESSAGE = Buffer.alloc(200, "x");

type Accept = (socket: net.Socket, server: net.Server) => void;

const byOnread: Accept = (socket, server) => {
  const connection: TcpConnection = new TcpConnection({
    onData: (buf, start, end) => connection.forward(connection, buf, start, end),
    onEnd: () => connection.end(),
    onDrain: () => undefined,
    onClose: () => undefined,
  });
  connection.accept(socket, server);
};

const byEvents: Accept = (socket) => {
  socket.setNoDelay(true);
  socket.on("data", (chunk) => socket.write(chunk));
  socket.on("end", () => socket.end());
  socket.resume();
};

/** CPU microseconds of one round trip. */
async function measure(accept: Accept): Promise<number> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    accept(socket, server),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(port, ROUND_TRIPS / CONNECTIONS)));
  const { user, system } = process.cpuUsage(before);
  server.close();
  return (user + system) / ROUND_TRIPS;
}

function ask(port: number, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true }, () => socket.write(MESSAGE));
    let left = times;
    socket.on("data", () => {
      if (--left > 0) socket.write(MESSAGE);
      else socket.end();
    });
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
}

const onread: number[] = [];
const events: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  onread.push(await measure(byOnread));
  events.push(await measure(byEvents));
}
const median = (all: number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
const line = (name: string, all: number[]): string =>
  `${name}: ${median(all).toFixed(2)} us of CPU a round trip (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`;
process.stdout.write(`${line("onread", onread)}\n${line("events", events)}\n`);
process.stdout.write(`saved: ${(median(events) - median(onread)).toFixed(2)} us\n`);
