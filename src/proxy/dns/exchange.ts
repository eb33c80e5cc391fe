/**
 * One question to one resolver, by UDP or TCP. Each goes with an id drawn for it, by UDP from a port that the kernel draws and on a
 * connected socket, so that nobody else's datagrams come in; what comes is the answer only if it has this id and the same question
 * (RFC 5452). Anything else is passed over until the time is up.
 */
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";
import type { TimerWheel } from "../net/timer-wheel.ts";
import { Deadline } from "./deadline.ts";
import { Frames, framed } from "./frames.ts";
import { counts, HEADER_BYTES, RCODE, rcodeOf } from "./packet.ts";
import type { Resolver } from "./resolvers.ts";

/** The answer with the id that was drawn; or why there is none. */
export type Outcome = Buffer | "timeout" | "unreachable" | "loop";

export interface Exchange {
  readonly id: number;
  readonly outcome: Promise<Outcome>;
  /** Of this machine; 0 while it isn't known. */
  localPort(): number;
  /** It has come back to the proxy itself. */
  looped(): void;
}

/** `message`: a question of a client, whose own id does not matter. */
export function exchange(
  resolver: Resolver,
  message: Buffer,
  question: Buffer,
  { isTcp, wheel, ms }: { readonly isTcp: boolean; readonly wheel: TimerWheel; readonly ms: number },
): Exchange {
  const id = randomInt(0x1_00_00);
  const sent = Buffer.from(message);
  sent.writeUInt16BE(id, 0);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const open = isTcp ? byTcp : byUdp;
  const socket = open(resolver, sent, {
    take: (answer) => {
      if (isAnswer(answer, id, question)) end(answer);
    },
    fail: () => end("unreachable"),
  });
  const deadline = new Deadline(wheel, ms, () => end("timeout"));
  const end = (outcome: Outcome): void => {
    deadline.end();
    socket.close();
    resolve(outcome);
  };
  return { id, outcome: promise, localPort: socket.port, looped: () => end("loop") };
}

/** Whether bytes answer this question. Failures may leave it out: they say nothing that could be believed. */
export function isAnswer(bytes: Buffer, id: number, question: Buffer): boolean {
  if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== id || bytes.readUInt8(2) < 0x80) return false;
  const [questions] = counts(bytes);
  if (questions === 0) return rcodeOf(bytes) !== RCODE.ok && bytes.length === HEADER_BYTES;
  const theirs = bytes.subarray(HEADER_BYTES, HEADER_BYTES + question.length);
  return questions === 1 && isSameQuestion(theirs, question);
}

/** Letters may have another case; type and class may not. */
function isSameQuestion(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false;
  const name = a.length - 4;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a.readUInt8(i), b.readUInt8(i)];
    if (x !== y && (i >= name || lower(x) !== lower(y))) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

interface Socket {
  readonly port: () => number;
  readonly close: () => void;
}

interface Listener {
  readonly take: (answer: Buffer) => void;
  readonly fail: () => void;
}

function byUdp({ address, port }: Resolver, message: Buffer, { take, fail }: Listener): Socket {
  const isIpv6 = net.isIPv6(address);
  const socket = dgram.createSocket({
    type: isIpv6 ? "udp6" : "udp4",
    lookup: (host, _options, done) => done(null, host, isIpv6 ? 6 : 4),
  });
  let isOpen = true;
  let localPort = 0;
  socket.on("error", fail);
  socket.on("message", take);
  socket.once("connect", () => {
    if (!isOpen) return;
    localPort = socket.address().port;
    socket.send(message, (error) => {
      if (error !== null && isOpen) fail();
    });
  });
  // Without a callback, which would be given errors in place of the event.
  socket.connect(port, address);
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    socket.close();
  };
  return { port: () => localPort, close };
}

function byTcp({ address, port }: Resolver, message: Buffer, { take, fail }: Listener): Socket {
  const socket = net.connect({ host: address, port });
  const frames = new Frames();
  socket.on("error", fail);
  socket.on("close", fail);
  socket.on("connect", () => socket.write(framed(message)));
  socket.on("data", (chunk: Buffer) => {
    frames.push(chunk);
    const answer = frames.next();
    if (answer === undefined) return;
    take(answer);
    // One question is asked: what else comes, or instead, is none of ours.
    fail();
  });
  return { port: () => socket.localPort ?? 0, close: () => void socket.destroy() };
}
