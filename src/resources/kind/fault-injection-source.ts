/** FaultInjection `from`: senders in AuthorizationPolicy's words, as far as a sidecar knows them of its own application. */
import { atLeastOne } from "../cel.ts";
import { list, object, optional, refine, required } from "../schema.ts";
import { matchNamespace, matchPrincipal, some } from "./policy-values.ts";

const source = refine(
  object({
    principals: optional(
      some(matchPrincipal),
      "Who it is: `<trust domain>/ns/<namespace>/sa/<service account>`, `prefix*`, `*suffix` or `*`.",
    ),
    notPrincipals: optional(some(matchPrincipal), "Who it is not."),
    namespaces: optional(some(matchNamespace), "Its namespace."),
    notNamespaces: optional(some(matchNamespace), "What is not its namespace."),
  }),
  (value, say) => {
    if (Object.keys(value).length === 0) say([], "must have at least one field", "a field");
  },
  atLeastOne("principals", "notPrincipals", "namespaces", "notNamespaces"),
);

export const faultSources = list(
  object({ source: required(source, "A sender; all of its fields must hold.") }),
  { min: 1, max: 64 },
);
