/**
 * The control plane itself: a Deployment under what Pod Security calls `restricted`, and the Service that sidecars know. Without
 * an operator's CA there is one replica with a volume, on which its CA is made; with one there may be several.
 */
import { type InstallSettings, type Manifest, metadata, NAME, PORTS, SELECTOR, WEBHOOK } from "./settings.ts";

const STATE = "/var/lib/weft";
const CA = "/etc/weft/ca";
/** As distroless images have it: nobody's. */
const USER = 65_532;

/** Arguments of `weft`. */
export function planeArguments({ namespace, image, caSecret }: InstallSettings): readonly string[] {
  return [
    "control-plane",
    "--source=kubernetes",
    `--own-namespace=${namespace}`,
    `--sidecar-image=${image}`,
    "--kubernetes-tokens",
    "--host=0.0.0.0",
    `--state-dir=${STATE}`,
    ...(caSecret === undefined ? [] : [`--ca-dir=${CA}`]),
    `--webhook-port=${PORTS.webhook}`,
    `--advertise=${NAME}.${namespace}.svc:${PORTS.discovery}`,
    `--webhook-configuration=${WEBHOOK}`,
    "--log-format=json",
  ];
}

export function workloadManifests(settings: InstallSettings): readonly Manifest[] {
  const { namespace, caSecret, replicas } = settings;
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(NAME, namespace),
    spec: {
      selector: SELECTOR,
      // Readiness is the API's, and sidecars enrol before anything else is.
      ports: Object.entries(PORTS).map(([name, port]) => ({
        name,
        port,
        targetPort: name,
        appProtocol: "tcp",
      })),
    },
  };
  const volume = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: metadata(NAME, namespace),
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } },
  };
  const disruption = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(NAME, namespace),
    spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } },
  };
  return [
    ...(caSecret === undefined ? [volume] : []),
    service,
    deployment(settings),
    ...(replicas > 1 ? [disruption] : []),
  ];
}

function deployment(settings: InstallSettings): Manifest {
  const { namespace, replicas, caSecret } = settings;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(NAME, namespace),
    spec: {
      replicas,
      selector: { matchLabels: SELECTOR },
      // A volume is one pod's: the old one goes before the new one comes. Sidecars go on meanwhile.
      strategy: caSecret === undefined ? { type: "Recreate" } : { type: "RollingUpdate" },
      template: {
        metadata: { labels: SELECTOR, annotations: { "weft.dev/inject": "false" } },
        spec: podSpec(settings),
      },
    },
  };
}

function podSpec(settings: InstallSettings): Manifest {
  const { caSecret } = settings;
  const state = caSecret === undefined ? { persistentVolumeClaim: { claimName: NAME } } : { emptyDir: {} };
  const secret = { name: "ca", secret: { secretName: caSecret } };
  return {
    serviceAccountName: NAME,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(settings)],
    volumes: [{ name: "state", ...state }, ...(caSecret === undefined ? [] : [secret])],
  };
}

function container(settings: InstallSettings): Manifest {
  const { image, caSecret } = settings;
  const probe = (path: string) => ({ httpGet: { path, port: "api" } });
  return {
    name: "control-plane",
    image,
    args: planeArguments(settings),
    ports: Object.entries(PORTS).map(([name, containerPort]) => ({ name, containerPort })),
    // It listens when the cluster has been read: ten thousand Services take some ten seconds.
    startupProbe: { ...probe("/healthz"), periodSeconds: 2, failureThreshold: 150 },
    readinessProbe: { ...probe("/healthz"), periodSeconds: 5 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 10, failureThreshold: 6 },
    resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "state", mountPath: STATE },
      ...(caSecret === undefined ? [] : [{ name: "ca", mountPath: CA, readOnly: true }]),
    ],
  };
}
