/** The half of a sidecar that proves who it is, over real sockets: keeper and stream without traffic loops. */
import { DiscoveryClient } from "../../src/discovery/client.ts";
import { enrol } from "../../src/discovery/enrol-client.ts";
import { grpcTransport } from "../../src/discovery/grpc-client.ts";
import type { DiscoveryResponse, Node } from "../../src/discovery/messages.ts";
import type { Svid } from "../../src/identity/svid.ts";
import type { TrustBundle } from "../../src/identity/trust-bundle.ts";
import { enrolledConnect, enrolledTransport } from "../../src/proxy/enrolment/enrolled-connect.ts";
import { CertificateKeeper } from "../../src/proxy/enrolment/keeper.ts";
import { planeTls } from "../../src/proxy/enrolment/plane-tls.ts";
import { TrustFile } from "../../src/proxy/enrolment/trust-file.ts";

export const TRUST_DOMAIN = "cluster.local";
const ENROL_TIMEOUT_MS = 5_000;
/** The longest pause before a new stream: as a real one's, less than what the control plane allows (plane.ts). */
const MAX_BACKOFF_MS = 500;

const TIMERS = {
  wallClock: Date.now,
  random: Math.random,
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface TestSidecar {
  readonly keeper: CertificateKeeper;
  /** What the traffic loops would have got, in order. */
  readonly secrets: { readonly svid: Svid; readonly bundle: TrustBundle }[];
  readonly responses: DiscoveryResponse[];
  readonly warnings: string[];
  /** Streams opened, and those of them that were lost. */
  readonly streams: { opened: number; lost: number };
  /** Changes as a test wishes. */
  token: string | undefined;
  /** Traffic loops take a secret when this resolves. */
  applied: () => Promise<void>;
  close(): void;
}

export interface SidecarOptions {
  readonly target: string;
  readonly bundleFile: string;
  readonly serviceAccount: string;
  readonly token?: string;
  /** Who it says that it is on the stream; `serviceAccount` by default. */
  readonly says?: string;
}

export function startSidecar(options: SidecarOptions): TestSidecar {
  const { target, bundleFile, serviceAccount, says = serviceAccount } = options;
  const trust = TrustFile.open(bundleFile);
  if (typeof trust === "string") throw new Error(trust);
  const warn = (message: string) => void sidecar.warnings.push(message);
  const keeper = new CertificateKeeper({
    trustDomain: TRUST_DOMAIN,
    id: `spiffe://${TRUST_DOMAIN}/ns/default/sa/${serviceAccount}`,
    trust,
    token: () => (sidecar.token === undefined ? undefined : { token: sidecar.token }),
    ask: (request, bundle, svid) =>
      enrol(target, request, planeTls(bundle, TRUST_DOMAIN, svid), ENROL_TIMEOUT_MS),
    warn,
    timers: TIMERS,
  });
  const tls = () => planeTls(keeper.bundle, TRUST_DOMAIN, keeper.svid);
  const open = enrolledTransport(keeper, grpcTransport(target, tls), warn);
  const timers = {
    ...TIMERS,
    after: (ms: number, run: () => void) => TIMERS.after(Math.min(ms, MAX_BACKOFF_MS), run),
  };
  const connect = enrolledConnect(keeper, (hooks) => new DiscoveryClient(open, hooks, timers));
  const sidecar: TestSidecar = {
    ...{ keeper, secrets: [], responses: [], warnings: [], streams: { opened: 0, lost: 0 } },
    token: options.token,
    applied: () => Promise.resolve(),
    close: () => {
      keeper.close();
      void link.close();
    },
  };
  keeper.start(async (svid, bundle) => {
    await sidecar.applied();
    sidecar.secrets.push({ svid, bundle });
  });
  const link = connect({
    node: nodeOf(says),
    versions: () => ({}),
    receive: async (response) => {
      sidecar.responses.push(response);
      return [];
    },
    connectionChanged: (isConnected) => {
      sidecar.streams[isConnected ? "opened" : "lost"] += 1;
    },
  });
  link.subscribe("listener", ["inbound"]);
  return sidecar;
}

/** A workload of namespace `default` that has its service account's name. */
export function nodeOf(account: string): Node {
  return {
    ...{ id: `default/${account}`, namespace: "default", workload: account, serviceAccount: account },
    ...{ labels: {}, address: "127.0.0.1", version: "0.0.0" },
    ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  };
}
