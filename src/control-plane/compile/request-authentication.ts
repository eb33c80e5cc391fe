/** RequestAuthentications as the sidecars of the workloads that they select get them. */
import type { TokenRule } from "../../discovery/policy.ts";
import { ROOT_NAMESPACE } from "../../resources/kind/authorization-policy.ts";
import { matchesLabels } from "../../resources/label-match.ts";
import type { RequestAuthentication } from "../../resources/resource.ts";
import { idOf } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";

type Labels = Readonly<Record<string, string>>;
type Rule = RequestAuthentication["spec"]["jwtRules"][number];

/** Where a token is, if nothing else is said (Envoy's defaults). */
const DEFAULT_HEADERS = [{ name: "authorization", prefix: "Bearer " }];
const DEFAULT_PARAMS = ["access_token"];

/** Rules for a workload: its namespace's and the mesh's, in order of name. */
export function compileTokens(mesh: MeshIndex, namespace: string, labels: Labels): readonly TokenRule[] {
  const own = namespace === ROOT_NAMESPACE ? [] : (mesh.requestAuthentication.get(namespace) ?? []);
  return [...(mesh.requestAuthentication.get(ROOT_NAMESPACE) ?? []), ...own]
    .filter(({ spec }) => spec.selector === undefined || matchesLabels(spec.selector, labels))
    .toSorted((a, b) => (idOf(a.metadata) < idOf(b.metadata) ? -1 : 1))
    .flatMap(({ metadata, spec }) =>
      spec.jwtRules.map((rule, i) => ruleOf(`RequestAuthentication ${idOf(metadata)} rule ${i}`, rule)),
    );
}

function ruleOf(source: string, rule: Rule): TokenRule {
  const isDefault = rule.fromHeaders === undefined && rule.fromParams === undefined;
  const headers = rule.fromHeaders?.map(({ name, prefix }) => ({ name: name.toLowerCase(), prefix }));
  return {
    source,
    issuer: rule.issuer,
    ...(rule.audiences === undefined ? {} : { audiences: rule.audiences }),
    jwks: rule.jwks ?? "",
    headers: isDefault ? DEFAULT_HEADERS : (headers ?? []),
    params: isDefault ? DEFAULT_PARAMS : (rule.fromParams ?? []),
    forward: rule.forwardOriginalToken,
    claimHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      header: header.toLowerCase(),
      claim: claim.split("."),
    })),
  };
}
