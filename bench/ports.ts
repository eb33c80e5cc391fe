/**
 * Ports and templates: peers that cannot choose a port themselves get one that was free a moment ago, and configuration
 * files are filled from `@NAME@` marks, so that what runs can be read in `bench/peers/`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./children.ts";

/** A TCP port on loopback that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Waits until something accepts on the port; throws when the child ended or ten seconds passed. */
export async function waitForPort(port: number, child: Child): Promise<void> {
  const limit = Date.now() + 10_000;
  let over = false;
  void child.ended.then(() => {
    over = true;
  });
  while (!(await accepts(port))) {
    if (over) throw new Error(`ended at start: ${child.output().trim().slice(-400)}`);
    if (Date.now() > limit)
      throw new Error(`nothing listens on its port after 10 s: ${child.output().slice(-400)}`);
    await sleep(50);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Fills the template `bench/<name>` into `dir` and returns the path of the file written. */
export function fill(name: string, dir: string, values: Readonly<Record<string, string | number>>): string {
  const template = readFileSync(join(import.meta.dirname, name), "utf8");
  const text = template.replace(/@([A-Z_]+)@/g, (mark, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${name}: nothing to put for ${mark}`);
    return String(value);
  });
  const path = join(dir, name.slice(name.lastIndexOf("/") + 1));
  writeFileSync(path, text);
  return path;
}
