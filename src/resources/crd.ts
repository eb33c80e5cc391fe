/**
 * CustomResourceDefinitions of Weft's own kinds, from their field tables: an API server checks what `weft validate` checks, as far as
 * its schemas and CEL can say it, and has a place for the status.
 */
import type { CelRule } from "./cel.ts";
import { type OpenApi, openApiOf } from "./open-api.ts";
import { pluralOf } from "./plural.ts";
import { KIND_TABLES, KINDS, type Kind, WEFT_API } from "./resource.ts";

/** Kinds that a cluster does not know by itself. */
export const CUSTOM_KINDS: readonly Kind[] = KINDS.filter(
  (kind) => KIND_TABLES[kind].apiVersion === WEFT_API,
);

const [GROUP = "", VERSION = ""] = WEFT_API.split("/");

/** Belongs to the cluster as a whole. */
function isOfCluster(kind: Kind): boolean {
  return kind === "MeshConfig";
}

/** The definition of one of `CUSTOM_KINDS`. */
export function definitionOf(kind: Kind): OpenApi {
  const plural = pluralOf(kind);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), categories: ["weft"] },
      scope: isOfCluster(kind) ? "Cluster" : "Namespaced",
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: COLUMNS,
          subresources: { status: {} },
          schema: { openAPIV3Schema: schemaOf(kind) },
        },
      ],
    },
  };
}

const COLUMNS = [
  { name: "Accepted", type: "string", jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
  { name: "Programmed", type: "string", jsonPath: '.status.conditions[?(@.type=="Programmed")].status' },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

function schemaOf(kind: Kind): OpenApi {
  const { summary, spec } = KIND_TABLES[kind];
  const specMayBeAbsent = kind === "Workload" || kind === "MeshConfig";
  const name: CelRule = {
    rule: "self.metadata.name == 'default'",
    message: "is named default: there is one",
  };
  return {
    description: summary,
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: openApiOf(spec.shape),
      status: STATUS,
    },
    ...(!specMayBeAbsent && { required: ["spec"] }),
    ...(isOfCluster(kind) && { "x-kubernetes-validations": [name] }),
  };
}

/** metav1.Condition, as others' tools expect it. */
const STATUS: OpenApi = {
  description: "What the control plane says of it.",
  type: "object",
  properties: {
    conditions: {
      type: "array",
      maxItems: 8,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      items: {
        type: "object",
        properties: {
          type: { type: "string", maxLength: 316 },
          status: { type: "string", enum: ["True", "False", "Unknown"] },
          reason: { type: "string", maxLength: 1_024 },
          message: { type: "string", maxLength: 32_768 },
          observedGeneration: { type: "integer", format: "int64", minimum: 0 },
          lastTransitionTime: { type: "string", format: "date-time" },
        },
        required: ["type", "status", "reason", "message", "lastTransitionTime"],
      },
    },
  },
};
