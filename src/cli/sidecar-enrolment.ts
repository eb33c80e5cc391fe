/** A control plane as the source of a sidecar's configuration that it enrols with: flags to keeper and stream. */
import { readFileSync } from "node:fs";
import type { EnrolToken } from "../proxy/enrolment/keeper.ts";
import { CliError, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Flags } from "./sidecar-flags.ts";
import type { Source } from "./sidecar-process.ts";
import type { Settings } from "./sidecar-settings.ts";

/** Longest wait for the answer to an enrolment. */
const ENROL_TIMEOUT_MS = 10_000;

/** Throws a usage error where it is not said how the control plane is verified. */
export function enrolledSource(target: string, settings: Settings, flags: Flags, env: Io["env"]): Source {
  const bundleFile = flags.get("trust-bundle");
  if (bundleFile === undefined) {
    throw usageError(
      "say how the control plane is verified: --trust-bundle FILE",
      "its control plane keeps that file as trust-bundle.pem in its --state-dir; --insecure goes without TLS",
    );
  }
  const trustDomain = flags.get("trust-domain");
  const load = async () => ({
    client: await import("../discovery/client.ts"),
    enrol: await import("../discovery/enrol-client.ts"),
    transport: await import("../discovery/grpc-client.ts"),
    spiffe: await import("../identity/spiffe-id.ts"),
    connect: await import("../proxy/enrolment/enrolled-connect.ts"),
    keeper: await import("../proxy/enrolment/keeper.ts"),
    tls: await import("../proxy/enrolment/plane-tls.ts"),
    trust: await import("../proxy/enrolment/trust-file.ts"),
  });
  return {
    load,
    open: async (warn) => {
      const { client, enrol, transport, spiffe, connect, keeper: keepers, tls, trust } = await load();
      const opened = trust.TrustFile.open(bundleFile);
      if (typeof opened === "string") throw new CliError(opened);
      const { namespace, serviceAccount } = settings.node;
      const id = spiffe.formatSpiffeId({ trustDomain, path: `/ns/${namespace}/sa/${serviceAccount}` });
      if (spiffe.parseSpiffeId(id).kind === "invalid") throw usageError(`${id} is no SPIFFE id`);
      const keeper = new keepers.CertificateKeeper({
        trustDomain,
        id,
        trust: opened,
        token: () => enrolToken(flags, env),
        ask: (request, bundle, svid) =>
          enrol.enrol(target, request, tls.planeTls(bundle, trustDomain, svid), ENROL_TIMEOUT_MS),
        warn,
        timers: SYSTEM_TIMERS,
      });
      const open = connect.enrolledTransport(
        keeper,
        transport.grpcTransport(target, () => tls.planeTls(keeper.bundle, trustDomain, keeper.svid)),
        warn,
      );
      return {
        keeper,
        connect: connect.enrolledConnect(keeper, (hooks) => new client.DiscoveryClient(open, hooks)),
      };
    },
  };
}

const SYSTEM_TIMERS = {
  wallClock: Date.now,
  random: Math.random,
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Read at each use: a new token may have been put there. Kubernetes renews what it projects. */
function enrolToken(flags: Flags, env: Io["env"]): EnrolToken | undefined {
  const kubernetesToken = wordIn(flags.get("kubernetes-token-file"));
  if (kubernetesToken !== undefined) return { kubernetesToken };
  const file = flags.get("join-token-file");
  const token = file === undefined ? env["WEFT_JOIN_TOKEN"] || undefined : wordIn(file);
  return token === undefined ? undefined : { token };
}

function wordIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
