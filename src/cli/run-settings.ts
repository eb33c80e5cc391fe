/** What the options of `weft run` mean: who the command is, and what it enrols with. */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CertificatesAnswer, TokenAnswer } from "../local/api-types.ts";
import { findRunFile } from "../local/run-file.ts";
import { planeAt } from "../run/plane.ts";
import type { RunSettings, TransparentSettings } from "../run/settings.ts";
import { withClient } from "./api.ts";
import { usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { isLoopback } from "./loopback.ts";
import type { RunFlags } from "./run-options.ts";

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const DEFAULT_PLANE = "127.0.0.1:15012";
const DEFAULT_BUNDLE = ".weft/trust-bundle.pem";
/** Each start of the sidecar takes one. */
const TOKEN_USES = 1_000;
/** The longest there is: 30 days. */
const TOKEN_LIFE_MS = 2_592_000_000;
/** As pods' names end: no vowels, so that no words come about. */
const SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

/** Rejects with a usage error that names the option, or where nobody gives it a token. */
export async function runSettings(flags: RunFlags, io: Io): Promise<RunSettings> {
  const { service, port, namespace, address, sidecarLog } = flags;
  const controlPlane = flags.controlPlane ?? findRunFile(io.cwd)?.run.discovery ?? DEFAULT_PLANE;
  if (service === undefined) throw usageError("say what it is: --service NAME");
  const { serviceAccount = service, workload = `${service}-${suffix()}` } = flags;
  check("--service", service, DNS_LABEL);
  check("--namespace", namespace, DNS_LABEL);
  check("--service-account", serviceAccount, DNS_NAME);
  check("--workload", workload, DNS_NAME);
  const at = planeAt(controlPlane);
  if (at === undefined) throw usageError(`--control-plane: "${controlPlane}" is not HOST:PORT`);
  if (flags.insecure === true && !isLoopback(at.host))
    throw usageError(`--insecure is for loopback alone, found --control-plane ${controlPlane}`);
  return {
    ...{ service, namespace, workload, serviceAccount, controlPlane },
    labels: { app: service, ...flags.labels },
    ...(port === undefined ? {} : { port }),
    ...(flags.insecure === true
      ? {}
      : (trustOf(flags, io) ?? (await introduced(io, namespace, serviceAccount)))),
    ...(address === undefined ? {} : { address }),
    ...(flags.transparent === true ? { transparent: transparentOf(flags) } : {}),
    inboundPort: flags.inboundPort,
    waitMs: flags.wait,
    ...(sidecarLog === undefined ? {} : { sidecarLog }),
    isQuiet: flags.quiet === true,
  };
}

function transparentOf({ user, network, ipForward, dns }: RunFlags): TransparentSettings {
  return {
    ...(user === undefined ? {} : { user }),
    range: network,
    mayForward: ipForward === true,
    ...(dns === undefined ? {} : { resolvers: dns }),
  };
}

/** Undefined: it has been given nothing to enrol with. */
function trustOf(
  { trustBundle = DEFAULT_BUNDLE, trustDomain = "cluster.local", joinTokenFile }: RunFlags,
  { env, cwd }: Pick<Io, "env" | "cwd">,
): Pick<RunSettings, "trust" | "joinToken"> | undefined {
  const joinToken = env["WEFT_JOIN_TOKEN"] ?? "";
  if (joinTokenFile === undefined && joinToken === "") return undefined;
  const fileOf = (flag: string, name: string): string => {
    const path = resolve(cwd, name);
    if (textOf(flag, path, name).trim() === "") throw usageError(`${flag}: ${name} is empty`);
    return path;
  };
  const bundle = { kind: "file", path: fileOf("--trust-bundle", trustBundle) } as const;
  const trust = { bundle, domain: trustDomain };
  return joinTokenFile === undefined
    ? { trust, joinToken }
    : { trust: { ...trust, tokenFile: fileOf("--join-token-file", joinTokenFile) } };
}

function textOf(flag: string, path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw usageError(
      `${flag}: ${code === "ENOENT" ? `there is no file ${name}` : `${name} can't be read: ${message}`}`,
    );
  }
}

/** Asks the control plane's API, which answers on its own machine alone. */
async function introduced(
  io: Io,
  namespace: string,
  serviceAccount: string,
): Promise<Pick<RunSettings, "trust" | "joinToken">> {
  return withClient(undefined, io, async (client) => {
    const { bundle, trustDomain } = await client.call<CertificatesAnswer>("GET", "/v1/certificates");
    const wish = { namespace, serviceAccount, uses: TOKEN_USES, ttlMs: TOKEN_LIFE_MS };
    const { token } = await client.call<TokenAnswer>("POST", "/v1/tokens", wish);
    return { trust: { bundle: { kind: "text", pem: bundle }, domain: trustDomain }, joinToken: token };
  });
}

function check(flag: string, value: string, pattern: RegExp): void {
  if (!pattern.test(value))
    throw usageError(`${flag}: "${value}" is no name of lower-case letters, digits and dashes`);
}

function suffix(): string {
  const letters = Array.from(
    { length: SUFFIX_LENGTH },
    () => SUFFIX_LETTERS[randomInt(SUFFIX_LETTERS.length)],
  );
  return letters.join("");
}
