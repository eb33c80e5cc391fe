/**
 * A Kubernetes cluster without nodes, on loopback: etcd, the API server with RBAC and all of its admission, and the controllers, so
 * that Deployments make pods, which nobody runs. All that they write lies in one folder below the system's for temporary files.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../harness/free-ports.ts";
import { auditFlags } from "./audit.ts";
import { type Child, startProgram } from "./child.ts";
import {
  ACCOUNT_KEY,
  apiServerFlags,
  CERTIFICATE,
  type ClusterPlaces,
  controllerFlags,
  DATA,
  etcdFlags,
  TOKENS,
} from "./flags.ts";
import { type Access, isThere, kubeconfigText } from "./kubeconfig.ts";

export interface ClusterOptions {
  /** How often old versions are dropped from etcd; default: Kubernetes' own, `5m`. */
  readonly compaction?: string;
  /** A user whose requests are written down; `readAudit` reads them. */
  readonly audited?: string;
}

export interface Cluster {
  /** Path of a KUBECONFIG that may do everything. */
  readonly kubeconfig: string;
  /** For what a test writes; gone with the cluster. */
  readonly folder: string;
  /** Writes a KUBECONFIG for the bearer of a token, such as a service account's; returns its path. */
  kubeconfigOf(name: string, token: string): string;
  /** Ends the API server as when its machine fails. */
  killApiServer(): Promise<void>;
  /** Brings it back at its port, with what etcd has; resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Ends etcd and the API server, and brings them back after `between`, which gets the folder that etcd keeps its data in. */
  restart(between: (data: string) => void): Promise<void>;
  /** The last of what each program wrote. */
  log(): string;
  close(): Promise<void>;
}

const START_MS = 90_000;
const LOOK_MS = 50;
const READY = "/readyz";
/** When it is there, the controllers work. */
const FIRST_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default";

/** Resolves when the API server is ready and namespaces get their accounts. Rejects with the programs' logs. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { compaction = "5m", audited } = options;
  const folder = mkdtempSync(join(tmpdir(), "weft-kubernetes-"));
  const [etcdPort = 0, etcdPeerPort = 0, apiPort = 0] = await freePorts(3);
  const places: ClusterPlaces = { folder, etcdPort, etcdPeerPort, apiPort, compaction };
  const token = randomBytes(16).toString("hex");
  const access: Access = { port: apiPort, certificate: join(folder, CERTIFICATE) };
  writeSecrets(folder, token);

  const audit = audited === undefined ? {} : auditFlags(folder, audited);
  const startServer = () => startProgram("kube-apiserver", { ...apiServerFlags(places), ...audit });

  let etcd = startProgram("etcd", etcdFlags(places));
  let apiServer = startServer();
  let controllers: Child | undefined;
  const children = () => [etcd, apiServer, ...(controllers === undefined ? [] : [controllers])];
  const log = () =>
    children()
      .map((child) => `── ${child.name}\n${child.log()}`)
      .join("\n");
  const close = async () => {
    await Promise.all(children().map((child) => child.kill()));
    rmSync(folder, { recursive: true, force: true });
  };
  const answers = async (path: string) => {
    const limit = performance.now() + START_MS;
    while (!(await isThere(access, token, path))) {
      const over = children().find((child) => child.hasEnded());
      if (over !== undefined) throw new Error(`${over.name} ended:\n${over.log()}`);
      if (performance.now() > limit) throw new Error(`no ${path}:\n${log()}`);
      await sleep(LOOK_MS);
    }
  };
  const kubeconfigOf = (name: string, bearer: string) => {
    const path = join(folder, `${name}.kubeconfig`);
    writeFileSync(path, kubeconfigText(access, bearer), { mode: 0o600 });
    return path;
  };
  try {
    await answers(READY);
    const kubeconfig = kubeconfigOf("admin", token);
    controllers = startProgram("kube-controller-manager", controllerFlags(places, kubeconfig));
    await answers(FIRST_ACCOUNT);
    return {
      kubeconfig,
      folder,
      kubeconfigOf,
      killApiServer: () => apiServer.kill(),
      startApiServer: async () => {
        apiServer = startServer();
        await answers(READY);
      },
      restart: async (between) => {
        await apiServer.kill();
        await etcd.stop();
        between(join(folder, DATA));
        etcd = startProgram("etcd", etcdFlags(places));
        apiServer = startServer();
        await answers(READY);
      },
      log,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the API server is started with: who may do everything, and the key of service accounts' tokens. */
function writeSecrets(folder: string, token: string): void {
  writeFileSync(join(folder, TOKENS), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "sec1", format: "pem" });
  writeFileSync(join(folder, ACCOUNT_KEY), pem, { mode: 0o600 });
}
