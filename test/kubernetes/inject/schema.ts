/**
 * Whether a value is a pod by Kubernetes' official OpenAPI document, as its client for JavaScript was generated from it: no field
 * that is not there, each of its type, none missing that is required. The types stand in the package's declarations, because what
 * is required stands nowhere else. Then what the API server checks beyond a schema, as far as injection can break it.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const MODELS = join(dirname(createRequire(import.meta.url).resolve("@kubernetes/client-node")), "gen/models");
const FIELD = /^ {4}'([^']+)'(\?)?: (.+);$/gm;

interface Field {
  readonly isOptional: boolean;
  readonly type: string;
}

const known = new Map<string, ReadonlyMap<string, Field>>();

/** What is wrong with a value of a type such as `V1Pod`. */
export function schemaFaults(value: unknown, type: string, path = type): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: no list`];
    return value.flatMap((item: unknown, i) => schemaFaults(item, list, `${path}[${i}]`));
  }
  const map = /^\{\s*\[key: string\]: (.+?);?\s*\}$/.exec(type)?.[1];
  if (map !== undefined) {
    if (!isRecord(value)) return [`${path}: no map`];
    return Object.entries(value).flatMap(([key, item]) => schemaFaults(item, map, `${path}.${key}`));
  }
  if (type === "any") return [];
  if (type === "IntOrString")
    return ["number", "string"].includes(typeof value) ? [] : [`${path}: no number or text`];
  if (type === "Date") return typeof value === "string" ? [] : [`${path}: no time`];
  if (["string", "number", "boolean"].includes(type)) {
    return typeof value === type ? [] : [`${path}: ${typeof value}, not ${type}`];
  }
  return modelFaults(value, type, path);
}

function modelFaults(value: unknown, type: string, path: string): string[] {
  const fields = fieldsOf(type);
  if (!isRecord(value)) return [`${path}: no ${type}`];
  const faults = Object.entries(value).flatMap(([name, item]) => {
    const field = fields.get(name);
    return field === undefined
      ? [`${path}.${name}: unknown`]
      : schemaFaults(item, field.type, `${path}.${name}`);
  });
  for (const [name, { isOptional }] of fields) {
    if (!isOptional && !Object.hasOwn(value, name)) faults.push(`${path}.${name}: missing`);
  }
  return faults;
}

function fieldsOf(type: string): ReadonlyMap<string, Field> {
  const found = known.get(type);
  if (found !== undefined) return found;
  const file = join(MODELS, `${type}.d.ts`);
  if (!existsSync(file)) throw new Error(`no model ${type}`);
  const text = readFileSync(file, "utf8").replace(/: \{\n\s*(.+)\n\s*\};/g, ": { $1 };");
  const fields = new Map<string, Field>();
  for (const [, name = "", optional, declared = ""] of text.matchAll(FIELD)) {
    fields.set(name, { isOptional: optional === "?", type: declared });
  }
  if (fields.size === 0) throw new Error(`no fields found in ${file}`);
  known.set(type, fields);
  return fields;
}

interface AnyContainer {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly env?: readonly { readonly name: string }[];
  readonly ports?: readonly { readonly name?: string }[];
  readonly [field: string]: unknown;
}

export interface AnyPod {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly AnyContainer[];
    readonly initContainers?: readonly AnyContainer[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];
const HANDLERS = ["exec", "httpGet", "tcpSocket", "grpc"];
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const MAX_ANNOTATIONS_BYTES = 262_144;

/** What the API server refuses though the schema does not. */
export function ruleFaults({ metadata, spec }: AnyPod): string[] {
  const faults: string[] = [];
  const [initContainers, volumes] = [spec.initContainers ?? [], spec.volumes ?? []];
  const all = [...initContainers, ...spec.containers];
  const names = all.map(({ name }) => name);
  if (new Set(names).size < names.length) faults.push("two containers of one name");
  const places = volumes.map(({ name }) => name);
  if (new Set(places).size < places.length) faults.push("two volumes of one name");
  for (const name of [...names, ...places]) if (!DNS_LABEL.test(name)) faults.push(`bad name ${name}`);
  for (const container of all) {
    const { name, volumeMounts = [], env = [], ports = [] } = container;
    const paths = volumeMounts.map(({ mountPath }) => mountPath);
    if (new Set(paths).size < paths.length) faults.push(`${name}: two mounts at one path`);
    for (const mount of volumeMounts) {
      if (name.startsWith("weft-") && !places.includes(mount.name))
        faults.push(`${name}: no volume ${mount.name}`);
    }
    for (const { name: port } of ports) {
      if (port !== undefined && !/^(?=.*[a-z])[a-z0-9-]{1,15}$/.test(port))
        faults.push(`${name}: port ${port}`);
    }
    if (new Set(env.map((one) => one.name)).size < env.length) faults.push(`${name}: a variable twice`);
    const isPlainInit = initContainers.includes(container) && container.restartPolicy !== "Always";
    for (const probe of PROBES) {
      const handler = container[probe];
      if (!isRecord(handler)) continue;
      if (isPlainInit) faults.push(`${name}: a ${probe} on an init container`);
      if (HANDLERS.filter((kind) => kind in handler).length !== 1)
        faults.push(`${name}: ${probe} without one handler`);
    }
    if (isPlainInit && "lifecycle" in container) faults.push(`${name}: lifecycle on an init container`);
    if (spec.containers.includes(container) && "restartPolicy" in container)
      faults.push(`${name}: restartPolicy`);
  }
  if (Buffer.byteLength(JSON.stringify(metadata?.annotations ?? {})) > MAX_ANNOTATIONS_BYTES)
    faults.push("annotations");
  return faults;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
