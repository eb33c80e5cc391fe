/** The containers that injection adds: the sidecar, and what programs netfilter before it. */
import type { Wishes } from "./annotations.ts";
import { INIT_CONTAINER, type Pod, SIDECAR_CONTAINER } from "./pod.ts";
import type { AppProbes } from "./probes.ts";
import { resourcesOf, writtenResources } from "./resources.ts";
import { DEFAULT_GRACE_SECONDS, type InjectSettings, MAX_SECONDS, SIDECAR_ID } from "./settings.ts";
import { STATE_DIR, sidecarMounts, TOKEN_FILE, TRUST_FILE } from "./volumes.ts";

/** A container as it is written. */
export type Written = { readonly name: string } & Readonly<Record<string, unknown>>;

export interface Plan {
  readonly settings: InjectSettings;
  readonly wishes: Wishes;
  readonly isNative: boolean;
  readonly pod: Pod;
  readonly probes: AppProbes;
  /** URL of the application's own metrics. */
  readonly metrics: string | undefined;
}

export interface Ports {
  readonly outbound: number;
  readonly inbound: number;
  readonly admin: number;
  readonly telemetry: number;
  /** Where names are asked for alone. */
  readonly dns?: number;
}

/** Ten minutes: a control plane that is away for long delays a pod rather than to fail it. */
const START_SECONDS = 600;
/** How long before the kubelet's SIGKILL a classic sidecar gives up. */
const KILL_MARGIN_SECONDS = 2;

export function portsOf(wishes: Wishes): Ports {
  return {
    outbound: wishes["outbound-port"] ?? 15_001,
    inbound: wishes["inbound-port"] ?? 15_006,
    admin: wishes["admin-port"] ?? 15_000,
    telemetry: wishes["telemetry-port"] ?? 15_020,
    ...(wishes["redirect-dns"] === true && { dns: wishes["dns-port"] ?? 15_053 }),
  };
}

export function sidecarContainer(plan: Plan): Written {
  const { wishes, isNative, pod } = plan;
  const { telemetry } = portsOf(wishes);
  const ready = { httpGet: { path: "/healthz/ready", port: telemetry } };
  const isHeld = !isNative && wishes["hold-application"] !== false;
  const wait = ["weft", "wait", "--port", String(telemetry), "--timeout", `${START_SECONDS}s`];
  return {
    name: SIDECAR_CONTAINER,
    ...imageOf(plan),
    args: ["sidecar"],
    ...(isNative ? { restartPolicy: "Always" } : {}),
    env: environment(plan),
    ports: [{ name: "weft-telemetry", containerPort: telemetry, protocol: "TCP" }],
    resources: writtenResources(resourcesOf(wishes, pod)),
    ...(isNative
      ? { startupProbe: { ...ready, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: START_SECONDS } }
      : {}),
    readinessProbe: { ...ready, periodSeconds: 15, timeoutSeconds: 3, failureThreshold: 4 },
    ...(isHeld ? { lifecycle: { postStart: { exec: { command: wait } } } } : {}),
    securityContext: {
      ...CONFINED,
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      runAsUser: SIDECAR_ID,
      runAsGroup: SIDECAR_ID,
    },
    volumeMounts: sidecarMounts(),
  };
}

/** The only one with privileges, and it ends before anything else begins. */
export function initContainer(plan: Plan): Written {
  return {
    name: INIT_CONTAINER,
    ...imageOf(plan),
    args: ["init", ...initFlags(plan.wishes)],
    resources: writtenResources(resourcesOf(plan.wishes, plan.pod)),
    securityContext: {
      ...CONFINED,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
    },
  };
}

const CONFINED = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: "RuntimeDefault" },
} as const;

function initFlags(wishes: Wishes): string[] {
  const { outbound, inbound, telemetry, dns } = portsOf(wishes);
  const flags = [
    ["--outbound-port", String(outbound)],
    ["--inbound-port", String(inbound)],
    // The kubelet and Prometheus have no certificates: what they ask for is asked of the sidecar itself.
    ["--telemetry-port", String(telemetry)],
    ["--proxy-uid", String(SIDECAR_ID)],
    ["--proxy-gid", String(SIDECAR_ID)],
    ["--include-inbound-ports", wishes["include-inbound-ports"]],
    ["--exclude-inbound-ports", wishes["exclude-inbound-ports"]],
    ["--include-outbound-ports", wishes["include-outbound-ports"]],
    ["--exclude-outbound-ports", wishes["exclude-outbound-ports"]],
    ["--include-outbound-ip-ranges", wishes["include-outbound-ip-ranges"]],
    ["--exclude-outbound-ip-ranges", wishes["exclude-outbound-ip-ranges"]],
  ] as const;
  const names = dns === undefined ? [] : ["--redirect-dns", "--dns-port", String(dns)];
  return [...flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])), ...names];
}

function imageOf({ settings, wishes }: Plan): Readonly<Record<string, string>> {
  const policy = wishes["image-pull-policy"];
  return {
    image: wishes.image ?? settings.image,
    ...(policy === undefined ? {} : { imagePullPolicy: policy }),
  };
}

function environment({ settings, wishes, isNative, pod, probes, metrics }: Plan) {
  const ports = portsOf(wishes);
  const drain = drainOf(isNative, wishes, pod);
  const labels = Object.entries(pod.metadata?.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const texts: readonly (readonly [name: string, value: string | number | undefined])[] = [
    ["WEFT_WORKLOAD", "$(POD_NAMESPACE)/$(POD_NAME)"],
    ["WEFT_LABELS", literal(labels.join(","))],
    ["WEFT_CONTROL_PLANE", settings.controlPlane],
    ["WEFT_TRUST_DOMAIN", settings.trustDomain],
    ["WEFT_TRUST_BUNDLE", TRUST_FILE],
    ["WEFT_KUBERNETES_TOKEN_FILE", TOKEN_FILE],
    ["WEFT_STATE_DIR", STATE_DIR],
    ["WEFT_HOST", "0.0.0.0"],
    ["WEFT_TRANSPARENT", "true"],
    ["WEFT_OUTBOUND_PORT", ports.outbound],
    ["WEFT_INBOUND_PORT", ports.inbound],
    ["WEFT_ADMIN_PORT", ports.admin],
    ["WEFT_TELEMETRY_PORT", ports.telemetry],
    ["WEFT_DNS_PORT", ports.dns],
    ["WEFT_DRAIN_GRACE", drain.grace],
    ["WEFT_DRAIN_TIMEOUT", drain.timeout],
    ["WEFT_CONCURRENCY", wishes.concurrency],
    ["WEFT_LOG_LEVEL", wishes["log-level"]],
    ["WEFT_OUTBOUND_SCOPE", wishes["outbound-scope"]],
    ["WEFT_APP_METRICS", metrics && literal(metrics)],
    ["WEFT_APP_PROBES", Object.keys(probes).length === 0 ? undefined : literal(JSON.stringify(probes))],
  ];
  return [
    field("POD_NAMESPACE", "metadata.namespace"),
    field("POD_NAME", "metadata.name"),
    field("WEFT_SERVICE_ACCOUNT", "spec.serviceAccountName"),
    ...texts.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }])),
  ];
}

/**
 * A native sidecar is told to end when the application has ended: what is left is to write out what peers have not read yet.
 * A classic one is told with the application, while callers still come, and must be done before the kubelet kills.
 */
function drainOf(isNative: boolean, wishes: Wishes, { spec }: Pod) {
  const grace = spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const longest = Math.min(Math.max(1, grace - KILL_MARGIN_SECONDS), MAX_SECONDS);
  return {
    grace: wishes["drain-grace"] ?? (isNative ? "0s" : `${Math.min(5, longest)}s`),
    timeout: wishes["drain-timeout"] ?? (isNative ? `${Math.min(5, longest)}s` : `${longest}s`),
  };
}

/** Kubernetes expands `$(NAME)` in values; `$$` is one `$`. */
function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** `literal`, undone. */
export function fromLiteral(text: string): string {
  return text.replaceAll("$$", "$");
}
