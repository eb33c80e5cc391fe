/**
 * AuthorizationPolicy (weft.dev/v1alpha1): who may send which requests to which workloads, in Istio's shape. DENY is asked
 * first, then ALLOW; where any ALLOW policy concerns a workload, what none of them allows is denied.
 */
import { atLeastOne } from "../cel.ts";
import { metadataOf } from "../metadata.ts";
import { dnsName, labelKey, labelValue } from "../scalars.ts";
import {
  type Fields,
  type Infer,
  list,
  map,
  type ObjectOf,
  object,
  oneOfValues,
  optional,
  refine,
  required,
  type Schema,
  withDefault,
} from "../schema.ts";
import { condition } from "./authorization-condition.ts";
import {
  ipBlock,
  matchHost,
  matchMethod,
  matchNamespace,
  matchPath,
  matchPort,
  matchPrincipal,
  matchText,
  some,
} from "./policy-values.ts";

export const authorizationPolicyMetadata = metadataOf(dnsName);

/** Policies of this namespace concern the whole mesh. */
export const ROOT_NAMESPACE = "weft-system";

const source = notEmpty({
  principals: optional(
    some(matchPrincipal),
    "Who it is, proven by mutual TLS: `<trust domain>/ns/<namespace>/sa/<service account>`.",
  ),
  notPrincipals: optional(some(matchPrincipal), "Who it is not."),
  requestPrincipals: optional(some(matchText), "`<issuer>/<subject>` of its verified token."),
  notRequestPrincipals: optional(some(matchText), "What is not the issuer and subject of its token."),
  namespaces: optional(some(matchNamespace), "The namespace of who it is."),
  notNamespaces: optional(some(matchNamespace), "What is not the namespace of who it is."),
  ipBlocks: optional(some(ipBlock), "The address that its connection comes from."),
  notIpBlocks: optional(some(ipBlock), "Where its connection does not come from."),
});

const operation = notEmpty({
  hosts: optional(some(matchHost), "The host, whatever its case; without a port here, with any port."),
  notHosts: optional(some(matchHost), "What is not the host."),
  ports: optional(some(matchPort), "The workload's port, not the Service's."),
  notPorts: optional(some(matchPort), "What is not the workload's port."),
  methods: optional(some(matchMethod), "The method."),
  notMethods: optional(some(matchMethod), "What is not the method."),
  paths: optional(
    some(matchPath),
    "The normalized path without the query; `{*}` is one segment, `{**}` any number of them.",
    "Istio `paths`, Envoy `uri_template`",
  ),
  notPaths: optional(some(matchPath), "What is not the path."),
});

const rule = object({
  from: optional(
    list(object({ source: required(source, "A sender; all of its fields must hold.") }), {
      min: 1,
      max: 512,
    }),
    "Senders, any of which must hold; absent: everybody.",
  ),
  to: optional(
    list(object({ operation: required(operation, "What is asked for; all of its fields must hold.") }), {
      min: 1,
      max: 512,
    }),
    "What is asked for, any of which must hold; absent: everything.",
  ),
  when: optional(list(condition, { min: 1, max: 64 }), "Conditions, all of which must hold."),
});

export const authorizationPolicySpec = object({
  selector: optional(
    object({
      matchLabels: withDefault(
        map(labelKey, labelValue, { max: 64 }),
        {},
        "Labels that a Workload must have; none: every Workload.",
      ),
    }),
    `Whom it protects; absent: every Workload of the namespace, and in \`${ROOT_NAMESPACE}\` of the mesh.`,
    "Istio `selector`",
  ),
  action: withDefault(
    oneOfValues(["ALLOW", "DENY", "AUDIT"]),
    "ALLOW",
    "What becomes of requests that a rule takes; `AUDIT` counts and logs them, and decides nothing.",
    "Istio `action`",
  ),
  rules: withDefault(
    list(rule, { max: 512 }),
    [],
    "Requests that it takes: those that any rule takes. None: no request; an empty rule: every one.",
  ),
});

export type AuthorizationPolicySpec = Infer<typeof authorizationPolicySpec>;

/** A map that says nothing would take everything, which is seldom meant; Istio refuses it too. */
function notEmpty<F extends Fields>(fields: F): Schema<ObjectOf<F>> {
  return refine(
    object(fields),
    (value, say) => {
      if (Object.keys(value).length === 0) say([], "must have at least one field", "a field");
    },
    atLeastOne(...Object.keys(fields)),
  );
}
