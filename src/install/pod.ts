/** A pod of the control plane: its arguments, probes, what it may use and where it runs. */
import {
  CA_SECRET,
  type InstallSettings,
  type Manifest,
  NAME,
  PORTS,
  type Resources,
  SELECTOR,
  WEBHOOK,
} from "./settings.ts";

const STATE = "/var/lib/weft";
const CA = "/etc/weft/ca";
/** As distroless images have it: nobody's. */
const USER = 65_532;

/** Arguments of `weft`. */
export function planeArguments(settings: InstallSettings): readonly string[] {
  const { namespace, image, sidecarImage = image, sidecarForm, caSecret, trustDomain, logLevel } = settings;
  return [
    "control-plane",
    "--source=kubernetes",
    `--own-namespace=${namespace}`,
    ...(trustDomain === undefined ? [] : [`--trust-domain=${trustDomain}`]),
    `--sidecar-image=${sidecarImage}`,
    `--sidecar-form=${sidecarForm}`,
    "--kubernetes-tokens",
    "--host=*",
    `--state-dir=${STATE}`,
    caSecret === undefined ? `--ca-secret=${CA_SECRET}` : `--ca-dir=${CA}`,
    `--webhook-port=${PORTS.webhook}`,
    `--advertise=${NAME}.${namespace}.svc:${PORTS.discovery}`,
    `--webhook-configuration=${WEBHOOK}`,
    `--log-level=${logLevel}`,
    "--log-format=json",
  ];
}

export function podSpec(settings: InstallSettings): Manifest {
  const { caSecret, replicas, imagePullSecrets, priorityClass } = settings;
  return {
    serviceAccountName: NAME,
    ...(priorityClass === undefined ? {} : { priorityClassName: priorityClass }),
    ...(imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    // The image is for Linux, and a cluster may have other machines, too.
    nodeSelector: { "kubernetes.io/os": "linux" },
    ...(replicas > 1 ? { topologySpreadConstraints: SPREAD } : {}),
    containers: [container(settings)],
    volumes: [
      { name: "state", emptyDir: {} },
      ...(caSecret === undefined ? [] : [{ name: "ca", secret: { secretName: caSecret } }]),
    ],
  };
}

/** Over machines and zones where it can be; a replica beside another is better than none. */
const SPREAD = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
  topologyKey,
  maxSkew: 1,
  whenUnsatisfiable: "ScheduleAnyway",
  labelSelector: { matchLabels: SELECTOR },
}));

function container(settings: InstallSettings): Manifest {
  const { image, imagePullPolicy, caSecret, resources } = settings;
  const probe = (path: string) => ({ httpGet: { path, port: "api" } });
  return {
    name: "control-plane",
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    args: planeArguments(settings),
    ports: Object.entries(PORTS).map(([name, containerPort]) => ({ name, containerPort })),
    // It listens when the cluster has been read: ten thousand Services take some ten seconds.
    startupProbe: { ...probe("/healthz"), periodSeconds: 2, failureThreshold: 150 },
    readinessProbe: { ...probe("/healthz"), periodSeconds: 5 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 10, failureThreshold: 6 },
    // The API server goes on asking the webhook of a pod that ends until every machine has heard of it.
    lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } },
    resources: resourcesOf(resources),
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

function resourcesOf({ cpu, cpuLimit, memory, memoryLimit }: Resources): Manifest {
  const set = (all: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(all).filter(([, quantity]) => quantity !== "none"));
  const sets = { requests: set({ cpu, memory }), limits: set({ cpu: cpuLimit, memory: memoryLimit }) };
  return Object.fromEntries(
    Object.entries(sets).filter(([, quantities]) => Object.keys(quantities).length > 0),
  );
}
