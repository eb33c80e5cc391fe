/** A cluster of an API server with the kinds that Weft reads, and objects to put into it, as large as real ones. */
import { listPath } from "../../../src/resources/plural.ts";
import { KIND_TABLES, KINDS, type Kind } from "../../../src/resources/resource.ts";
import type { ApiObject, Json } from "./api-objects.ts";
import { ApiServer } from "./api-server.ts";

export const PODS = "/api/v1/pods";
export const SLICES = "/apis/discovery.k8s.io/v1/endpointslices";
export const NAMESPACES = "/api/v1/namespaces";
export const ACCOUNTS = "/api/v1/serviceaccounts";
export const CONFIG_MAPS = "/api/v1/configmaps";
export const SECRETS = "/api/v1/secrets";
export const LEASES = "/apis/coordination.k8s.io/v1/leases";

export function pathOf(kind: Kind): string {
  return listPath(kind);
}

/** A server that knows all kinds, not yet listening. */
export function newCluster(): ApiServer {
  const server = new ApiServer();
  for (const kind of KINDS) server.define(listPath(kind), KIND_TABLES[kind].apiVersion, kind);
  server.define(PODS, "v1", "Pod");
  server.define(SLICES, "discovery.k8s.io/v1", "EndpointSlice");
  server.define(NAMESPACES, "v1", "Namespace");
  server.define(ACCOUNTS, "v1", "ServiceAccount");
  server.define(CONFIG_MAPS, "v1", "ConfigMap");
  server.define(SECRETS, "v1", "Secret");
  server.define(LEASES, "coordination.k8s.io/v1", "Lease");
  return server;
}

/** Shared by all objects: the server's memory is not what is measured. */
const MANAGED = Array.from({ length: 3 }, (_, i) => ({
  manager: `kubelet-${i}`,
  operation: "Update",
  fieldsType: "FieldsV1",
  fieldsV1: Object.fromEntries(
    Array.from({ length: 40 }, (_unused, f) => [`f:field-${f}`, { "f:value": {} }]),
  ),
}));
const ENV = Array.from({ length: 20 }, (_, i) => ({
  name: `VARIABLE_${i}`,
  value: `a value of some length ${i}`,
}));

export interface PodSpec {
  readonly name: string;
  readonly ip: string;
  readonly app: string;
  readonly namespace?: string;
  readonly injected?: boolean;
  readonly ports?: Readonly<Record<string, number>>;
  readonly serviceAccount?: string;
}

export function pod({ name, ip, app, namespace = "default", ...rest }: PodSpec): ApiObject {
  const { injected = false, ports = { http: 8080 }, serviceAccount = app } = rest;
  const labels = { app, version: "v1", "pod-template-hash": "5d4f8c7b9" };
  const annotations = injected ? { "weft.dev/injected": "true" } : {};
  const named = Object.entries(ports).map(([port, containerPort]) => ({
    name: port,
    containerPort,
    protocol: "TCP",
  }));
  return {
    metadata: { name, namespace, uid: `uid-${name}`, labels, annotations, managedFields: MANAGED },
    spec: {
      serviceAccountName: serviceAccount,
      nodeName: "node-1",
      containers: [{ name: "app", env: ENV, ports: named }],
    },
    status: {
      phase: "Running",
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

export function service(
  name: string,
  namespace = "default",
  ports: readonly Json[] = [{ name: "http", port: 80, targetPort: "http" }],
): ApiObject {
  const spec = {
    selector: { app: name },
    ports,
    clusterIP: "10.0.0.1",
    type: "ClusterIP",
    sessionAffinity: "None",
  };
  return {
    metadata: { name, namespace, uid: `uid-${name}`, managedFields: MANAGED },
    spec,
    status: { loadBalancer: {} },
  };
}

export interface Member {
  readonly ip: string;
  readonly pod?: string;
  readonly ready?: boolean;
  /** It ends, and still serves. */
  readonly draining?: boolean;
  readonly zone?: string;
}

export function slice(
  service: string,
  members: readonly Member[],
  namespace = "default",
  name = `${service}-abc`,
): ApiObject {
  const endpoints = members.map(({ ip, pod: target, ready = true, draining = false, zone = "zone-a" }) => ({
    addresses: [ip],
    conditions: { ready: ready && !draining, serving: ready || draining, terminating: draining },
    nodeName: "node-1",
    zone,
    ...(target === undefined ? {} : { targetRef: { kind: "Pod", namespace, name: target } }),
  }));
  const metadata = {
    name,
    namespace,
    labels: { "kubernetes.io/service-name": service },
    managedFields: MANAGED,
  };
  return { metadata, addressType: "IPv4", endpoints, ports: [{ name: "http", port: 8080, protocol: "TCP" }] };
}
