/**
 * A sidecar that takes all traffic of the command, which knows nothing of it: both live in a network namespace of their own. The
 * sidecar is user 1337 there, whose connections are left alone.
 */
import { chmodSync, chownSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULTS } from "../intercept/settings.ts";
import { systemShell } from "../intercept/shell.ts";
import { isFree } from "../local/ports.ts";
import type { WeftProgram } from "../local/process-specs.ts";
import { openLog, ownAddress, ownFolder, readable } from "./beside.ts";
import { sidecarEnvironment } from "./environment.ts";
import { checkMachine, DNS_PORT, type Guest, makeGuest } from "./guest.ts";
import type { Published } from "./guest-rules.ts";
import { keep, quoted } from "./keeper.ts";
import { findProgram } from "./program.ts";
import { untilServing } from "./ready.ts";
import { resolversElsewhere } from "./resolvers.ts";
import { RunError, type RunSettings, type TransparentSettings } from "./settings.ts";
import { type SidecarPlace, sidecarArguments } from "./sidecar.ts";
import { asUser, environmentOf, userOf } from "./user.ts";

const SIDECAR_UID = 1_337;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** As in a pod: nobody else is in the namespace. */
const { outboundPort: outbound, inboundPort: inbound } = DEFAULTS;
const PORTS: SidecarPlace["ports"] = { outbound, inbound, admin: 15_000, telemetry: 15_020 };
/** For published ports: below those that the system gives to connections. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;

type Env = Readonly<Record<string, string | undefined>>;

export interface Inside {
  /** What to put before the command. */
  readonly wrapper: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly reachedAt: string;
}

/** Starts it. Rejects with a RunError, and leaves nothing then. */
export async function startTransparent(
  settings: RunSettings,
  transparent: TransparentSettings,
  weft: WeftProgram,
  env: Env,
): Promise<Inside> {
  const end = performance.now() + settings.waitMs;
  checkMachine(systemShell);
  const user = userOf(transparent.user, env, systemShell);
  if (user.uid === SIDECAR_UID)
    throw new RunError(`user ${SIDECAR_UID} is the sidecar's: what it does is not led through the sidecar`);
  const address = settings.address ?? (await ownAddress(settings));
  if (address.startsWith("127.") || address.includes(":")) throw unreachable(settings, address);
  const published = { address, port: await publishedPort(settings, address) };
  const guest = makeGuest({ ...transparent, published }, systemShell);
  const resolvers = transparent.resolvers ?? resolversElsewhere();
  const log = startSidecar(settings, guest, { published, resolvers }, weft, env);
  const at = { host: guest.address, port: PORTS.telemetry, end, ...readable(settings, log) };
  await untilServing(at, settings);
  return {
    wrapper: [...inNamespace(guest), ...asUser(user, located("setpriv"))],
    env: environmentOf(user),
    reachedAt: `${address}:${published.port}`,
  };
}

/** Returns the file that it logs to. From then on the namespace goes with this process. */
function startSidecar(
  settings: RunSettings,
  guest: Guest,
  { published: { address, port }, resolvers }: { published: Published; resolvers: readonly string[] },
  weft: WeftProgram,
  env: Env,
): string {
  try {
    const folder = ownFolder();
    const { own, copied } = ownFiles(settings, folder);
    const log = join(folder, "sidecar.log");
    // Without others, names outside of the mesh are not found.
    const others = resolvers.length === 0 ? [] : ["--dns-servers", resolvers.join(",")];
    const dns = ["--dns-port", String(DNS_PORT), ...others];
    const place = { inboundHost: "0.0.0.0", ports: PORTS, advertise: `${address}:${port}` };
    const command = [
      ...[...inNamespace(guest), ...asUser({ uid: SIDECAR_UID, gid: SIDECAR_UID }, located("setpriv"))],
      ...[weft.node, ...weft.sidecarFlags, weft.entry],
      ...sidecarArguments(copied, { ...place, more: ["--transparent", ...dns] }, own, process.pid),
    ];
    keep({
      pid: process.pid,
      command,
      env: {
        ...sidecarEnvironment(env),
        ...weft.sidecarEnv,
        // Weft's own belongs to whoever installed it.
        NODE_COMPILE_CACHE: join(own, "cache"),
        ...(settings.joinToken === undefined ? {} : { WEFT_JOIN_TOKEN: settings.joinToken }),
      },
      stderr: openLog(settings, log),
      cleanup: `${guest.removal}; rm -rf ${quoted(folder)}`,
    });
    return log;
  } catch (error) {
    systemShell("/bin/sh", ["-c", guest.removal]);
    throw error;
  }
}

function inNamespace({ names }: Guest): readonly string[] {
  return [located("ip"), "netns", "exec", names.namespace];
}

/** Path of a program that is there: `checkMachine` has looked. */
function located(name: string): string {
  const found = findProgram(name, SYSTEM_PATH, "/");
  return found.kind === "found" ? found.file : name;
}

function unreachable({ controlPlane }: RunSettings, address: string): RunError {
  return address.includes(":")
    ? new RunError("--transparent knows IPv4 alone", ["--address says where others reach this machine"])
    : new RunError(
        `the control plane ${controlPlane} is on loopback, which a network namespace does not reach`,
        ["start it with --host '*', and name an address of its machine here"],
      );
}

/** Nobody listens on a port that is published: those of others are found in their rules. */
async function publishedPort({ inboundPort }: RunSettings, address: string): Promise<number> {
  const rules = systemShell("nft", ["list", "ruleset", "ip"]).stdout;
  const isOurs = async (port: number) => {
    if (rules.includes(`tcp dport ${port} dnat`)) return false;
    return isFree(address, port).catch(() => {
      throw new RunError(`${address} is no address of this machine`);
    });
  };
  if (inboundPort !== 0) {
    if (await isOurs(inboundPort)) return inboundPort;
    throw new RunError(`port ${inboundPort} of ${address} is taken`);
  }
  // Begun at the number of the process, so that two that start at once do not choose the same.
  const span = LAST_PORT - FIRST_PORT + 1;
  for (let tries = 0; tries < span; tries++) {
    const port = FIRST_PORT + ((process.pid + tries) % span);
    if (await isOurs(port)) return port;
  }
  throw new RunError(`no free port on ${address}`);
}

/** A folder of the sidecar's user, with copies of what it is to read. */
function ownFiles(
  settings: RunSettings,
  folder: string,
): { readonly own: string; readonly copied: RunSettings } {
  const own = join(folder, "own");
  mkdirSync(own, { mode: 0o700 });
  chownSync(own, SIDECAR_UID, SIDECAR_UID);
  chmodSync(folder, 0o711);
  const copy = (file: string, name: string): string => {
    const path = join(own, name);
    try {
      copyFileSync(file, path);
    } catch (error) {
      throw new RunError((error as Error).message);
    }
    chownSync(path, SIDECAR_UID, SIDECAR_UID);
    return path;
  };
  const { trust } = settings;
  if (trust === undefined) return { own, copied: settings };
  const { bundle, tokenFile } = trust;
  const copied = {
    ...trust,
    ...(bundle.kind === "file" && { bundle: { ...bundle, path: copy(bundle.path, "bundle") } }),
    ...(tokenFile !== undefined && { tokenFile: copy(tokenFile, "token") }),
  };
  return { own, copied: { ...settings, trust: copied } };
}
