/**
 * The memory scenario, on a fresh process each: idle, with 1,000 idle connections, and during an upload to an origin
 * that never reads (what a proxy holds then is what backpressure fails to hold back).
 */
import { mkdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { memory } from "./cpu.ts";
import { type Origin, startStalledOrigin } from "./origin.ts";
import { HOST, type Peer, type RunningPeer } from "./peers/peer.ts";
import type { Sample } from "./scenarios.ts";

const CONNECTIONS = 1000;
/** What the stalled upload would send in all. */
const UPLOAD_BYTES = 1024 ** 3;
const REQUEST = `GET /api/small HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`;

/** Measures one peer; `settleMs` is the quiet time before each reading. */
export async function measureMemory(
  peer: Peer,
  origin: Origin,
  root: string,
  settleMs: number,
): Promise<Sample> {
  const idle = await fresh(peer, join(root, "idle"), origin.portA, origin.portB);
  const sockets: Socket[] = [];
  try {
    await sleep(settleMs);
    const before = memory(idle.child.pid);
    for (let i = 0; i < CONNECTIONS; i++) sockets.push(await answered(idle.port));
    await sleep(settleMs);
    const connected = memory(idle.child.pid);
    return {
      idleAnonymousMb: before.anonymousKb / 1024,
      idleResidentMb: before.residentKb / 1024,
      connectedAnonymousMb: connected.anonymousKb / 1024,
      connectedResidentMb: connected.residentKb / 1024,
      perThousandConnectionsMb: (connected.anonymousKb - before.anonymousKb) / 1024,
      stalledUploadMb: await stalledUpload(peer, join(root, "stalled"), settleMs),
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    await idle.child.stop();
  }
}

/** Megabytes an upload to a stalled origin adds. */
async function stalledUpload(peer: Peer, dir: string, settleMs: number): Promise<number> {
  const origin = await startStalledOrigin();
  let running: RunningPeer | undefined;
  try {
    running = await fresh(peer, dir, origin.port, origin.port);
    await sleep(settleMs);
    const before = memory(running.child.pid).anonymousKb;
    const socket = connect(running.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    await send(socket, settleMs);
    const after = memory(running.child.pid).anonymousKb;
    const open = !socket.destroyed;
    socket.destroy();
    if (!open) throw new Error("the stalled upload was cut");
    return (after - before) / 1024;
  } finally {
    origin.close();
    await running?.child.stop();
  }
}

/** Sends as much as is taken until nothing moves for the quiet time (the kernel's buffers are full, or all is sent). */
async function send(socket: Socket, quietMs: number): Promise<void> {
  const chunk = Buffer.alloc(65_536, "x");
  let sent = 0;
  let movedAt = Date.now();
  const pump = (): void => {
    movedAt = Date.now();
    while (sent < UPLOAD_BYTES && !socket.destroyed) {
      sent += chunk.length;
      if (!socket.write(chunk)) return;
    }
  };
  socket.on("drain", pump);
  socket.write(`POST /upload/sink HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${UPLOAD_BYTES}\r\n\r\n`);
  pump();
  while (Date.now() - movedAt < quietMs && !socket.destroyed) await sleep(50);
}

async function fresh(peer: Peer, dir: string, originA: number, originB: number): Promise<RunningPeer> {
  mkdirSync(dir, { recursive: true });
  return peer.start({ dir, originA, originB });
}

/** A connection that got one answer and stays open. */
function answered(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(REQUEST));
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer on an idle connection within 10 s")));
    socket.on("error", reject);
    socket.once("data", () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}
