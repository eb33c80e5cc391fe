/**
 * Whether a value has the shape of a pod, as far as injection goes by it. What is wrong is said with its path; whether the rest
 * is a good pod is for the API server to say. A pod of 200 containers has thousands of values, nearly always right: nothing is
 * allocated for those.
 */
import { mismatch, type Path, type Problem } from "../resources/problem.ts";
import type { Pod } from "./pod.ts";

/** What has been found wrong, and where the check is now. */
interface Walk {
  readonly path: (string | number)[];
  readonly problems: Problem[];
}

/** Checks one value. */
type Check = (value: unknown, walk: Walk) => void;

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** `path`: of the pod in its document. */
export function readPod(
  value: unknown,
  path: Path = [],
): { readonly pod: Pod } | { readonly problems: readonly Problem[] } {
  const walk: Walk = { path: [...path], problems: [] };
  POD(value, walk);
  return walk.problems.length === 0 ? { pod: value as Pod } : { problems: walk.problems };
}

const text = must("a text", (value) => typeof value === "string" && value !== "");
const anyText = must("a text", (value) => typeof value === "string");
const wholeNumber = must("a whole number", Number.isSafeInteger);
const truth = must("true or false", (value) => typeof value === "boolean");
const port = must(
  "a port from 1 to 65535, or a port's name",
  (value) =>
    typeof value === "string" || (Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < 65_536),
);

function must(expected: string, isGood: (value: unknown) => boolean): Check {
  return (value, walk) => {
    if (!isGood(value)) walk.problems.push(mismatch([...walk.path], expected, value));
  };
}

/** Null stands for a field that is not set, as the API server has it. */
function optional(check: Check): Check {
  return (value, walk) => {
    if (value !== undefined && value !== null) check(value, walk);
  };
}

function below(key: string | number, value: unknown, check: Check, walk: Walk): void {
  walk.path.push(key);
  check(value, walk);
  walk.path.pop();
}

const someMap = must("a map", isRecord);
const someList = must("a list", Array.isArray);

function record(fields: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(fields);
  return (value, walk) => {
    if (!isRecord(value)) someMap(value, walk);
    else for (const [name, check] of entries) below(name, value[name], check, walk);
  };
}

function listOf(check: Check): Check {
  return (value, walk) => {
    if (!Array.isArray(value)) someList(value, walk);
    else for (let i = 0; i < value.length; i++) below(i, value[i], check, walk);
  };
}

const textMap: Check = (value, walk) => {
  if (!isRecord(value)) someMap(value, walk);
  else for (const key of Object.keys(value)) below(key, value[key], anyText, walk);
};

const HEADER = record({ name: text, value: optional(anyText) });
const HANDLER = {
  httpGet: optional(
    record({
      port,
      path: optional(anyText),
      host: optional(anyText),
      scheme: optional(anyText),
      httpHeaders: optional(listOf(HEADER)),
    }),
  ),
  tcpSocket: optional(record({ port, host: optional(anyText) })),
  grpc: optional(record({ port: wholeNumber, service: optional(anyText) })),
};
const SECURITY = record({ runAsUser: optional(wholeNumber), runAsGroup: optional(wholeNumber) });
const CONTAINER = record({
  name: text,
  ports: optional(listOf(record({ containerPort: wholeNumber, name: optional(anyText) }))),
  env: optional(listOf(record({ name: text }))),
  securityContext: optional(SECURITY),
  restartPolicy: optional(anyText),
  lifecycle: optional(record({ postStart: optional(record(HANDLER)), preStop: optional(record(HANDLER)) })),
  ...Object.fromEntries(
    PROBES.map((name) => [name, optional(record({ ...HANDLER, timeoutSeconds: optional(wholeNumber) }))]),
  ),
});

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;
const oneContainer = must("a list of at least one container", (value) => !isEmptyList(value));
const containers = listOf(CONTAINER);
const someContainers: Check = (value, walk) => {
  oneContainer(value, walk);
  containers(value, walk);
};

const POD = record({
  metadata: optional(record({ labels: optional(textMap), annotations: optional(textMap) })),
  spec: record({
    containers: someContainers,
    initContainers: optional(containers),
    volumes: optional(listOf(record({ name: text }))),
    hostNetwork: optional(truth),
    securityContext: optional(SECURITY),
    restartPolicy: optional(anyText),
    os: optional(record({ name: optional(anyText) })),
    nodeSelector: optional(textMap),
    resources: optional(record({})),
    terminationGracePeriodSeconds: optional(wholeNumber),
  }),
});

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
