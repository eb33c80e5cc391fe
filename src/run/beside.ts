/**
 * A sidecar beside this process, ready to serve: what is started for a command before it. Explicit: the command is told of its proxy,
 * and nothing of the machine is changed.
 */
import { openSync } from "node:fs";
import { join } from "node:path";
import { HeldPorts, isFree } from "../local/ports.ts";
import type { WeftProgram } from "../local/process-specs.ts";
import { makeScratch } from "../local/scratch.ts";
import { sidecarEnvironment } from "./environment.ts";
import { keep, quoted } from "./keeper.ts";
import { planeAt, reach } from "./plane.ts";
import { untilServing } from "./ready.ts";
import { RunError, type RunSettings } from "./settings.ts";
import { type SidecarPlace, sidecarArguments } from "./sidecar.ts";

const LOOPBACK = "127.0.0.1";

type Env = Readonly<Record<string, string | undefined>>;

export interface Beside {
  /** Port of the proxy that the command is to use. */
  readonly outboundPort: number;
  /** `ADDRESS:PORT` where others reach it. */
  readonly reachedAt: string;
}

/** Starts it. Rejects with a RunError, and leaves nothing then. */
export async function startBeside(settings: RunSettings, weft: WeftProgram, env: Env): Promise<Beside> {
  const end = performance.now() + settings.waitMs;
  const address = settings.address ?? (await ownAddress(settings));
  const ports = await choosePorts(settings, address);
  const place: SidecarPlace = { inboundHost: address, ports };
  const folder = ownFolder();
  const log = join(folder, "sidecar.log");
  keep({
    pid: process.pid,
    command: [
      ...[weft.node, ...weft.sidecarFlags, weft.entry],
      ...sidecarArguments(settings, place, folder, process.pid),
    ],
    env: {
      ...sidecarEnvironment(env),
      ...weft.sidecarEnv,
      ...(settings.joinToken === undefined ? {} : { WEFT_JOIN_TOKEN: settings.joinToken }),
    },
    stderr: openLog(settings, log),
    cleanup: `rm -rf ${quoted(folder)}`,
  });
  await untilServing({ host: LOOPBACK, port: ports.telemetry, end, ...readable(settings, log) }, settings);
  const shown = address.includes(":") ? `[${address}]` : address;
  return { outboundPort: ports.outbound, reachedAt: `${shown}:${ports.inbound}` };
}

/** The address that this machine reaches the control plane from. */
export async function ownAddress({ controlPlane, waitMs }: RunSettings): Promise<string> {
  const at = planeAt(controlPlane);
  if (at === undefined) throw new RunError(`"${controlPlane}" is not HOST:PORT`);
  const reached = await reach(at.host, at.port, waitMs);
  if (reached.kind === "reached") return reached.localAddress;
  throw new RunError(`the control plane ${controlPlane} does not answer: ${reached.reason}`, [
    "a sidecar without configuration cannot serve, so the command was not started; --wait waits longer",
  ]);
}

/** The file that the sidecar's messages go to, if they go to one. */
export function readable({ sidecarLog }: RunSettings, file: string): { readonly log?: string } {
  return sidecarLog === "-" ? {} : { log: sidecarLog ?? file };
}

/** Where the sidecar keeps its files. */
export function ownFolder(): string {
  try {
    return makeScratch("run");
  } catch (error) {
    throw new RunError(`no folder for the sidecar's files: ${(error as Error).message}`, [
      "TMPDIR says where folders may be made",
    ]);
  }
}

/** Descriptor for the sidecar's messages. */
export function openLog({ sidecarLog }: RunSettings, file: string): number {
  if (sidecarLog === "-") return 2;
  try {
    return openSync(sidecarLog ?? file, "a", 0o600);
  } catch (error) {
    throw new RunError(`the sidecar's log can't be written: ${(error as Error).message}`);
  }
}

async function choosePorts(
  { inboundPort, port }: RunSettings,
  address: string,
): Promise<SidecarPlace["ports"]> {
  const held = new HeldPorts();
  const hold = async (host: string): Promise<number> => {
    const found = await held.hold(host);
    return found === port ? hold(host) : found;
  };
  try {
    const [outbound, admin, telemetry] = [await hold(LOOPBACK), await hold(LOOPBACK), await hold(LOOPBACK)];
    if (inboundPort !== 0 && !(await isFree(address, inboundPort)))
      throw new RunError(`port ${inboundPort} of ${address} is taken, or not for this user`);
    return { outbound, admin, telemetry, inbound: inboundPort === 0 ? await hold(address) : inboundPort };
  } catch (error) {
    if (error instanceof RunError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRNOTAVAIL" ? `${address} is no address of this machine` : message;
    throw new RunError(`no port for the sidecar: ${reason}`, ["--address says where others reach it"]);
  } finally {
    await held.releaseAll();
  }
}
