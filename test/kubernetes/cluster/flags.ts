/** How the programs of a cluster are started: what is no default of theirs, and why. */
import { join } from "node:path";

export interface ClusterPlaces {
  readonly folder: string;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly apiPort: number;
  /** How often old versions are dropped. */
  readonly compaction: string;
}

type Flags = Readonly<Record<string, string>>;

const ISSUER = "https://kubernetes.default.svc.cluster.local";
/** In the folder; etcd's. */
export const DATA = "etcd";
/** In the folder; written before anything starts. */
export const TOKENS = "tokens.csv";
export const ACCOUNT_KEY = "service-accounts.key";
/** In the folder; written by the API server. */
export const CERTIFICATES = "certificates";
export const CERTIFICATE = join(CERTIFICATES, "apiserver.crt");

/** What tests want of a cluster: accounts and roots in namespaces, pods of what makes pods, endpoints, and that things go with their owners. */
const CONTROLLERS = [
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "root-ca-certificate-publisher-controller",
  "namespace-controller",
  "garbage-collector-controller",
  "deployment-controller",
  "replicaset-controller",
  "replicationcontroller-controller",
  "statefulset-controller",
  "job-controller",
  "cronjob-controller",
  "endpointslice-controller",
  "disruption-controller",
  "persistentvolumeclaim-protection-controller",
  "clusterrole-aggregation-controller",
] as const;

export function etcdFlags({ folder, etcdPort, etcdPeerPort }: ClusterPlaces): Flags {
  const [clients, peers] = [etcdPort, etcdPeerPort].map((port) => `http://127.0.0.1:${port}`) as [
    string,
    string,
  ];
  return {
    "data-dir": join(folder, DATA),
    "listen-client-urls": clients,
    "advertise-client-urls": clients,
    "listen-peer-urls": peers,
    "initial-advertise-peer-urls": peers,
    "initial-cluster": `default=${peers}`,
    // Nobody needs what a test wrote after the machine has failed.
    "unsafe-no-fsync": "true",
    "log-level": "warn",
  };
}

export function apiServerFlags({ folder, etcdPort, apiPort, compaction }: ClusterPlaces): Flags {
  return {
    "etcd-servers": `http://127.0.0.1:${etcdPort}`,
    "etcd-compaction-interval": compaction,
    "bind-address": "127.0.0.1",
    "secure-port": String(apiPort),
    "cert-dir": join(folder, CERTIFICATES),
    "token-auth-file": join(folder, TOKENS),
    "authorization-mode": "RBAC",
    "anonymous-auth": "false",
    "service-account-issuer": ISSUER,
    "service-account-key-file": join(folder, ACCOUNT_KEY),
    "service-account-signing-key-file": join(folder, ACCOUNT_KEY),
    "service-cluster-ip-range": "198.19.0.0/16",
    // As clusters' installers set it: privileged pods are Pod Security's business.
    "allow-privileged": "true",
    // Its own address would be loopback, which no EndpointSlice may have.
    "endpoint-reconciler-type": "none",
  };
}

export function controllerFlags({ folder }: ClusterPlaces, kubeconfig: string): Flags {
  return {
    kubeconfig,
    "root-ca-file": join(folder, CERTIFICATE),
    "service-account-private-key-file": join(folder, ACCOUNT_KEY),
    controllers: CONTROLLERS.join(","),
    "leader-elect": "false",
    // It makes the folder.
    "flex-volume-plugin-dir": join(folder, "volume-plugins"),
    // Its own listener: nobody asks it.
    "secure-port": "0",
  };
}
