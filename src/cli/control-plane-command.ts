/**
 * `weft control-plane`: the process around a control plane: flags, the announcement of its ports, signals. The transport
 * of discovery is handed in.
 */
import { join } from "node:path";
import { Option } from "commander";
import type { ControlPlane, OpenDiscovery } from "../control-plane/server.ts";
import type { WebhookSettings } from "../control-plane/webhook/open.ts";
import { DEFAULT_SETTINGS } from "../inject/settings.ts";
import { anyAddress } from "./any-address.ts";
import { newCommand, runCommand } from "./command.ts";
import {
  controlPlaneLog,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
} from "./control-plane-log.ts";
import { checkSourceFlags, type OpenedSource, openSource, type SourceFlags } from "./control-plane-source.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import { addInjectOptions, type InjectFlags, injectSettings } from "./inject-settings.ts";
import { listenForInterrupts } from "./interrupt.ts";
import type { Io, Run } from "./io.ts";
import { isLoopback } from "./loopback.ts";

const TEXT = {
  name: "control-plane",
  summary: "Compile a directory of resources and serve it to sidecars.",
  examples: [
    ["weft control-plane --config config/demo", "serve a directory on the usual ports"],
    [
      "weft control-plane --config mesh --discovery-port 0 --api-port 0",
      "on free ports, announced on stdout",
    ],
    [
      "weft control-plane --config mesh --ca-dir /etc/weft/ca",
      "with a CA of your own (tls.crt, tls.key, ca.crt)",
    ],
    [
      "weft control-plane --source kubernetes --kubernetes-tokens",
      "read the cluster of KUBECONFIG, or the one this runs in",
    ],
  ],
  exits: { ok: "ended by SIGTERM or SIGINT", failed: "could not start" },
} as const;

const PORT_HINT = "--discovery-port and --api-port choose others; 0 takes a free one";

interface Flags extends SourceFlags, InjectFlags {
  readonly host: string;
  readonly stateDir: string;
  readonly trustDomain?: string;
  readonly kubernetesTokens?: boolean;
  readonly allowLocalJwks?: boolean;
  readonly discoveryPort: number;
  readonly apiPort: number;
  readonly webhookPort?: number;
  readonly advertise: string;
  readonly webhookConfiguration?: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** The command, with the transport of discovery. */
export function controlPlaneCommand(openDiscovery: OpenDiscovery): Run {
  return (argv, io) => {
    const command = addInjectOptions(newCommand(TEXT, io))
      .addOption(
        new Option("--source <source>", "where resources are: files, or the Kubernetes API server")
          .env("WEFT_SOURCE")
          .choices(["files", "kubernetes"])
          .default("files"),
      )
      .addOption(new Option("--config <dir>", "directory of resources").env("WEFT_CONFIG"))
      .addOption(
        new Option("--addresses <file>", "where instances really listen (JSON)").env("WEFT_ADDRESSES"),
      )
      .addOption(
        new Option("--host <ip>", 'address to listen on; "*": every one, of both families')
          .env("WEFT_HOST")
          .default("127.0.0.1"),
      )
      .addOption(
        new Option("--state-dir <dir>", "what is kept from one start to the next")
          .env("WEFT_STATE_DIR")
          .default(".weft"),
      )
      .addOption(
        new Option(
          "--ca-dir <dir>",
          "the CA: yours, where files of one are there, else made on first use; default: ca in the state directory",
        ).env("WEFT_CA_DIR"),
      )
      .addOption(
        new Option(
          "--ca-secret <name>",
          "Secret of the own namespace in which all replicas have the CA, made on first use; with --source kubernetes",
        ).env("WEFT_CA_SECRET"),
      )
      .addOption(
        new Option("--trust-domain <name>", "where MeshConfig does not say; default: cluster.local").env(
          "WEFT_TRUST_DOMAIN",
        ),
      )
      .addOption(
        new Option(
          "--kubernetes-tokens",
          "sidecars may enrol with service account tokens, which the cluster of KUBECONFIG, or the one this runs in, reviews",
        ).env("WEFT_KUBERNETES_TOKENS"),
      )
      .addOption(
        new Option(
          "--allow-local-jwks",
          "keys of token issuers may also be fetched from loopback and link-local addresses",
        ).env("WEFT_ALLOW_LOCAL_JWKS"),
      )
      .addOption(new Option("--insecure", "sidecars connect without TLS and certificates; on loopback only"))
      .addOption(portOption("--discovery-port", "port for sidecars; 0: a free one", 15_012))
      .addOption(portOption("--api-port", "port of the HTTP API; 0: a free one", 15_014))
      .addOption(
        portOption("--webhook-port", "port of the admission webhook; 0: a free one; default: no webhook"),
      )
      .addOption(
        new Option(
          "--advertise <address>",
          "where injected sidecars find it; the webhook's certificate is for this name",
        )
          .env("WEFT_ADVERTISE")
          .default(DEFAULT_SETTINGS.controlPlane),
      )
      .addOption(
        new Option(
          "--webhook-configuration <name>",
          "MutatingWebhookConfiguration of the cluster whose caBundle is kept right",
        ).env("WEFT_WEBHOOK_CONFIGURATION"),
      )
      .addOption(
        new Option("--log-level <level>", "least that is logged")
          .env("WEFT_LOG_LEVEL")
          .choices(LOG_LEVELS)
          .default("info"),
      )
      .addOption(
        new Option("--log-format <format>", "form of the log on stderr")
          .env("WEFT_LOG_FORMAT")
          .choices(LOG_FORMATS)
          .default("text"),
      );
    return runCommand(command, argv, io, () => serve(command.opts<Flags>(), openDiscovery, io));
  };
}

function portOption(flag: `--${string}`, about: string, fallback?: number): Option {
  const option = new Option(`${flag} <port>`, about)
    .env(`WEFT_${flag.slice(2).replace("-", "_").toUpperCase()}`)
    .argParser((text) => {
      const port = Number(text);
      if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
      throw usageError(`${flag} must be a port from 0 to 65535, found "${text}"`);
    });
  return fallback === undefined ? option : option.default(fallback);
}

const BUNDLE = "trust-bundle.pem";
const REGISTRY = "registered.json";

function bundleFileOf({ insecure, stateDir }: Flags): string | undefined {
  return insecure === true ? undefined : join(stateDir, BUNDLE);
}

async function identityOf(flags: Flags, { leads: mayRotate, together }: OpenedSource) {
  const { stateDir, caDir, kubernetesTokens, webhookPort, advertise } = flags;
  const tokenDirectory = join(stateDir, "ca");
  const bundleFile = join(stateDir, BUNDLE);
  const hosts = webhookPort === undefined ? [] : [advertise.replace(/:\d+$/, "")];
  const places = {
    caDirectory: caDir ?? tokenDirectory,
    tokenDirectory,
    bundleFile,
    hosts,
    mayRotate,
    ...together,
  };
  if (kubernetesTokens !== true) return places;
  const { kubernetesTokenReview } = await import("../control-plane/ca/token-review.ts");
  return { ...places, reviewToken: kubernetesTokenReview() };
}

function webhookOf(flags: Flags): WebhookSettings | undefined {
  const { webhookPort: port, webhookConfiguration: configuration } = flags;
  if (port === undefined) return undefined;
  if (flags.insecure === true) throw usageError("--webhook-port needs certificates: not with --insecure");
  const settings = injectSettings(flags, flags.advertise, "");
  return configuration === undefined ? { port, settings } : { port, settings, configuration };
}

async function serve(flags: Flags, openDiscovery: OpenDiscovery, io: Io): Promise<number> {
  checkSourceFlags(flags);
  if (flags.insecure === true && !isLoopback(flags.host)) {
    throw usageError(`--insecure is for loopback alone, found --host ${flags.host}`);
  }
  const webhook = webhookOf(flags);
  const { startControlPlane } = await import("../control-plane/server.ts");
  const ended = Promise.withResolvers<void>();
  const interrupts = listenForInterrupts(
    () => ended.resolve(),
    () => process.exit(EXIT.ok),
  );
  const log = controlPlaneLog(flags.logLevel, flags.logFormat, io);
  let opened: OpenedSource | undefined;
  let plane: ControlPlane;
  try {
    opened = await openSource(flags, log, ended.promise, bundleFileOf(flags));
    if (opened === undefined) {
      interrupts.dispose();
      return EXIT.ok;
    }
    plane = await startControlPlane({
      ...opened.options,
      host: flags.host === "*" ? anyAddress() : flags.host,
      discoveryPort: flags.discoveryPort,
      apiPort: flags.apiPort,
      ...(flags.insecure === true
        ? {}
        : { identity: await identityOf(flags, opened), registryFile: join(flags.stateDir, REGISTRY) }),
      ...(webhook === undefined ? {} : { webhook }),
      ...(flags.trustDomain === undefined ? {} : { trustDomain: flags.trustDomain }),
      allowsLocalJwks: flags.allowLocalJwks === true,
      log,
      openDiscovery,
    });
  } catch (error) {
    interrupts.dispose();
    await opened?.close();
    const reason = error instanceof Error ? error.message : String(error);
    const hints = reason.includes("EADDRINUSE") ? [PORT_HINT] : [];
    throw new CliError(`cannot start: ${reason}`, { hints });
  }
  const { discoveryPort, apiPort, webhookPort } = plane;
  io.stdout.write(`${JSON.stringify({ event: "ready", discoveryPort, apiPort, webhookPort })}\n`);
  await ended.promise;
  await plane.close();
  await opened.close();
  interrupts.dispose();
  return EXIT.ok;
}
