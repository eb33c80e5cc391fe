/**
 * `weft sidecar`: one sidecar, configured by a control plane or from files. This file is the process: flags, who the
 * sidecar is, the announcement of its ports, signals, and the exit code.
 */
import { writeSync } from "node:fs";
import type { CertificateKeeper } from "../proxy/enrolment/keeper.ts";
import type { Sidecar } from "../proxy/sidecar.ts";
import type { Connect } from "../proxy/snapshot/configuration.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import type { Io, Run } from "./io.ts";
import { becomeLean } from "./lean.ts";
import { exitWithProcess } from "./parent.ts";
import type { Flags } from "./sidecar-flags.ts";
import { describeFlags, readFlags } from "./sidecar-flags.ts";
import type { Settings } from "./sidecar-settings.ts";
import { settingsOf } from "./sidecar-settings.ts";

const HELP = `weft sidecar: take a workload's traffic

usage: weft sidecar --control-plane HOST:PORT --trust-bundle FILE --workload NS/NAME [options]
       weft sidecar --config DIR --service NAME --app-port PORT [options]

${describeFlags()}

Each flag is also an environment variable: --admin-port is WEFT_ADMIN_PORT.
The ports are announced as one JSON line on stdout, {"event":"ready","id":…,"outboundPort":…,…}.
SIGTERM drains, a second one exits at once.

Examples:
  weft sidecar --control-plane 127.0.0.1:15012 --trust-bundle .weft/trust-bundle.pem --join-token-file token --workload default/web
  weft sidecar --control-plane 127.0.0.1:15012 --insecure --workload default/web
  weft sidecar --transparent --control-plane 10.0.0.1:15012 --trust-bundle bundle.pem --join-token-file token --workload default/web
  weft sidecar --config config/demo --service web --app-port 8080 --outbound-port 0 --inbound-port 0

Exit codes:
  0  drained
  1  could not start, or a traffic loop failed
  2  the command line was not understood
`;

/** Handles that outlive a closed sidecar would be a defect; they must not keep the process. */
const EXIT_MARGIN_MS = 1_000;

/** A place that a sidecar's configuration can come from. */
export interface Source {
  /** Imports what `open` needs, without doing anything yet. */
  load(): Promise<unknown>;
  /** Rejects with a CliError when there is nothing usable, e.g. wrong files. */
  open(warn: (message: string) => void): Promise<Opened>;
}

export interface Opened {
  readonly connect: Connect;
  /** Absent: the sidecar has no identity. */
  readonly keeper?: CertificateKeeper;
}

export interface Sources {
  /** A control plane at `HOST:PORT`. */
  controlPlane(target: string, settings: Settings, flags: Flags, env: Io["env"]): Source;
  /** A directory of resources, compiled in this process. */
  config(directory: string): Source;
}

/** The command, with its two sources. */
export function sidecarCommand(sources: Sources): Run {
  return async (argv, io) => {
    try {
      const flags = readFlags(argv, io.env);
      if (flags.isHelp) {
        io.stdout.write(HELP);
        return EXIT.ok;
      }
      const settings = settingsOf(flags);
      const source = sourceOf(flags, settings, sources, io.env);
      const voice = voiceOf(flags.get("log-level"), io);
      // Beyond the standard streams no descriptor survives the restart.
      const pid = flags.get("exit-with-pid");
      if (pid !== undefined) exitWithProcess(Number(pid));
      const announceFd = Number(flags.get("announce-fd"));
      if (announceFd <= 2)
        await becomeLean(() => Promise.all([loadSidecar(settings), source.load()]), loadLoop);
      return await serve(settings, await source.open(voice.warn), announceFd, voice, io);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      io.stderr.write(`error: ${error.message}\n`);
      for (const hint of error.hints) io.stderr.write(`  ${hint}\n`);
      return error.exitCode;
    }
  };
}

function loadSidecar({ ports }: Settings): Promise<unknown> {
  const dns = ports.dns === undefined ? [] : [import("../proxy/dns/proxy.ts")];
  return Promise.all([import("../proxy/sidecar.ts"), ...dns]);
}

/** On the main thread the loop's entry does nothing: this puts its sources into the compile cache. */
function loadLoop(): Promise<unknown> {
  return import("../proxy/loop.ts");
}

function sourceOf(flags: Flags, settings: Settings, sources: Sources, env: Io["env"]): Source {
  const target = flags.get("control-plane");
  const directory = flags.get("config");
  if (target !== undefined && directory === undefined) {
    return sources.controlPlane(target, settings, flags, env);
  }
  if (directory !== undefined && target === undefined) return sources.config(directory);
  throw usageError(
    "say where the configuration comes from: either --control-plane HOST:PORT or --config DIR",
  );
}

/** What the sidecar says, as far as it is asked for. */
interface Voice {
  readonly log: (line: string) => void;
  readonly warn: (message: string) => void;
  readonly fail: (message: string) => void;
}

function voiceOf(level: string, io: Io): Voice {
  const silent = (): void => {};
  const fail = (message: string): void => void io.stderr.write(`sidecar: ${message}\n`);
  const log = (line: string): void => void io.stderr.write(`${line}\n`);
  return { fail, warn: level === "error" ? silent : fail, log: level === "info" ? log : silent };
}

async function serve(
  settings: Settings,
  opened: Opened,
  announceFd: number,
  voice: Voice,
  io: Io,
): Promise<number> {
  const { startSidecar } = await import("../proxy/sidecar.ts");
  const ended = Promise.withResolvers<number>();
  let terminations = 0;
  let isDraining = false;
  let sidecar: Sidecar | undefined;
  const drain = (): void => {
    if (isDraining) return;
    isDraining = true;
    if (sidecar === undefined) ended.resolve(EXIT.ok);
    else {
      void sidecar.drain().then((cut) => {
        if (cut > 0) voice.warn(`drained; ${cut} connections were cut off`);
        ended.resolve(EXIT.ok);
      });
    }
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (++terminations > 1) process.exit(EXIT.ok);
      drain();
    });
  }
  try {
    sidecar = await startSidecar({
      ...settings,
      ...opened,
      ...{ warn: voice.warn, log: voice.log },
      onDrainRequested: drain,
      onFailure: (message) => {
        voice.fail(message);
        ended.resolve(EXIT.failed);
      },
    });
  } catch (error) {
    throw new CliError(`cannot start: ${error instanceof Error ? error.message : String(error)}`);
  }
  announce(sidecar, announceFd, io);
  const code = await ended.promise;
  setTimeout(() => process.exit(code), EXIT_MARGIN_MS).unref();
  await sidecar.close();
  return code;
}

/** One line for whoever started this: a supervisor, or a person who reads. */
function announce({ id, ports }: Sidecar, fd: number, io: Io): void {
  const line = `${JSON.stringify({
    event: "ready",
    id,
    outboundPort: ports.outbound,
    inboundPort: ports.inbound,
    adminPort: ports.admin,
    telemetryPort: ports.telemetry,
    ...(ports.dns === undefined ? {} : { dnsPort: ports.dns }),
  })}\n`;
  if (fd === 1) io.stdout.write(line);
  else writeSync(fd, line);
}
