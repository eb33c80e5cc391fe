/**
 * The origin all peers share: one nginx worker on two ports (the ends of the 90/10 split), on the load's CPU. nginx,
 * because it is far from being the bottleneck; also the origin that never reads, for the stalled upload.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Child, findProgram, LOAD_CPU, start } from "./children.ts";
import { fill, freePort, waitForPort } from "./ports.ts";

/** Body of `/api/small`: with nginx's head about 200 bytes more. */
export const SMALL = "weft ".repeat(40);
/** Bytes of `/api/64k` and of every upload. */
export const LARGE_BYTES = 65_536;

export interface Origin {
  readonly portA: number;
  readonly portB: number;
  readonly child: Child;
}

/** Starts the origin, or says why it cannot. */
export async function startOrigin(root: string): Promise<Origin | string> {
  const nginx = findProgram("nginx");
  if (nginx === undefined) return "nginx is not installed (it is the origin)";
  const dir = join(root, "origin");
  mkdirSync(join(dir, "api"), { recursive: true });
  writeFileSync(join(dir, "api", "64k"), Buffer.alloc(LARGE_BYTES, "weft"));
  const portA = await freePort();
  const portB = await freePort();
  const config = fill("origin.conf", dir, { DIR: dir, PORT_A: portA, PORT_B: portB, SMALL });
  const child = start([nginx, "-c", config, "-p", dir, "-e", join(dir, "error.log")], LOAD_CPU);
  await waitForPort(portA, child);
  await waitForPort(portB, child);
  return { portA, portB, child };
}

/** An origin that accepts and never reads. */
export interface StalledOrigin {
  readonly port: number;
  close(): void;
}

export function startStalledOrigin(): Promise<StalledOrigin> {
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        close: () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    });
  });
}
