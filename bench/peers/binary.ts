/** nginx, HAProxy and Envoy: programs from PATH, with a configuration file filled in and a port chosen beforehand. */
import { join } from "node:path";
import { findProgram, PROXY_CPU, start } from "../children.ts";
import { fill, freePort, waitForPort } from "../ports.ts";
import type { Peer, RunningPeer } from "./peer.ts";

/** A peer that is one program with one configuration file. */
export interface Program {
  readonly name: string;
  /** Where it is, or undefined. */
  find(): string | undefined;
  /** Why it cannot run here; `fetch` allows installing it (Envoy). */
  missing(fetch: boolean): string | undefined;
  /** Gets the program, the file and the directory. */
  command(program: string, config: string, dir: string): string[];
}

export function programOnPath(name: string, command: Program["command"]): Program {
  const find = () => findProgram(name);
  return {
    name,
    find,
    missing: () => (find() === undefined ? `${name} is not on PATH` : undefined),
    command,
  };
}

/** Starts it with `template` (below bench/), in which `marks`, `DIR` and `PORT` are filled in. */
export async function startProgram(
  { name, find, command }: Program,
  template: string,
  dir: string,
  marks: Readonly<Record<string, string | number>>,
): Promise<RunningPeer> {
  const port = await freePort();
  const config = fill(template, dir, { DIR: dir, PORT: port, ...marks });
  const child = start(command(find() ?? name, config, dir), PROXY_CPU);
  await waitForPort(port, child);
  return { child, port };
}

/** Its configuration file is that of bench/peers. */
export function binaryPeer(program: Program, template: string): Peer {
  const { name, missing } = program;
  return {
    name,
    missing,
    start: ({ dir, originA, originB }) =>
      startProgram(program, join("peers", template), dir, { A: originA, B: originB }),
  };
}
