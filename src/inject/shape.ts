/**
 * Whether a value has the shape of a pod, as far as injection goes by it. What is wrong is said with its path; whether the rest
 * is a good pod is for the API server to say.
 */
import { mismatch, type Path, type Problem } from "../resources/problem.ts";
import type { Pod } from "./pod.ts";

/** A check of one value: says all that is wrong with it. */
type Check = (value: unknown, path: Path) => Problem[];

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** `path`: of the pod in its document. */
export function readPod(
  value: unknown,
  path: Path = [],
): { readonly pod: Pod } | { readonly problems: readonly Problem[] } {
  const problems = POD(value, path);
  return problems.length === 0 ? { pod: value as Pod } : { problems };
}

const text: Check = (value, path) =>
  typeof value === "string" && value !== "" ? [] : [mismatch(path, "a text", value)];
const anyText: Check = (value, path) => (typeof value === "string" ? [] : [mismatch(path, "a text", value)]);
const wholeNumber: Check = (value, path) =>
  Number.isSafeInteger(value) ? [] : [mismatch(path, "a whole number", value)];
const port: Check = (value, path) =>
  typeof value === "string" || (Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < 65_536)
    ? []
    : [mismatch(path, "a port from 1 to 65535, or a port's name", value)];
const truth: Check = (value, path) =>
  typeof value === "boolean" ? [] : [mismatch(path, "true or false", value)];

/** Null stands for a field that is not set, as the API server has it. */
function optional(check: Check): Check {
  return (value, path) => (value === undefined || value === null ? [] : check(value, path));
}

function record(fields: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (!isRecord(value)) return [mismatch(path, "a map", value)];
    return Object.entries(fields).flatMap(([name, check]) => check(value[name], [...path, name]));
  };
}

function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return [mismatch(path, "a list", value)];
    return value.flatMap((item: unknown, i) => check(item, [...path, i]));
  };
}

const textMap: Check = (value, path) => {
  if (!isRecord(value)) return [mismatch(path, "a map", value)];
  return Object.entries(value).flatMap(([key, item]) => anyText(item, [...path, key]));
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
const CONTAINER = record({
  name: text,
  ports: optional(listOf(record({ containerPort: wholeNumber, name: optional(anyText) }))),
  env: optional(listOf(record({ name: text }))),
  securityContext: optional(record({ runAsUser: optional(wholeNumber) })),
  restartPolicy: optional(anyText),
  lifecycle: optional(record({ postStart: optional(record(HANDLER)), preStop: optional(record(HANDLER)) })),
  ...Object.fromEntries(
    PROBES.map((name) => [name, optional(record({ ...HANDLER, timeoutSeconds: optional(wholeNumber) }))]),
  ),
});

const someContainers: Check = (value, path) =>
  Array.isArray(value) && value.length === 0
    ? [mismatch(path, "a list of at least one container", value)]
    : listOf(CONTAINER)(value, path);

const POD = record({
  metadata: optional(record({ labels: optional(textMap), annotations: optional(textMap) })),
  spec: record({
    containers: someContainers,
    initContainers: optional(listOf(CONTAINER)),
    volumes: optional(listOf(record({ name: text }))),
    hostNetwork: optional(truth),
    os: optional(record({ name: optional(anyText) })),
    terminationGracePeriodSeconds: optional(wholeNumber),
  }),
});

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
