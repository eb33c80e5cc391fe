/**
 * AuthorizationPolicies that name a service account which the cluster does not have: nobody can prove to be it, so an ALLOW
 * admits nobody and a DENY keeps nobody out. A warning, since the account may come.
 */
import type { Issue } from "../../../resources/issue.ts";
import type { Resource } from "../../../resources/resource.ts";
import { closest } from "../../../resources/suggest.ts";
import { warningAt } from "../../../resources/warning.ts";

const PRINCIPAL = /^[^*{}]+\/ns\/([^/*{}]+)\/sa\/([^/*{}]+)$/;
/** To suggest is to compare with all accounts of the namespace: not for the hundredth. */
const MAX_SUGGESTIONS = 100;

/** A warning for each. `accounts`: `<namespace>/<name>`. */
export function unknownAccounts(
  resources: readonly Resource[],
  accounts: ReadonlyMap<string, unknown>,
): readonly Issue[] {
  const issues: Issue[] = [];
  for (const resource of resources) {
    if (resource.kind !== "AuthorizationPolicy") continue;
    for (const [r, { from = [] }] of resource.spec.rules.entries()) {
      for (const [f, { source }] of from.entries()) {
        for (const [p, principal] of (source.principals ?? []).entries()) {
          const [, namespace = "", name = ""] = PRINCIPAL.exec(principal) ?? [];
          if (name === "" || accounts.has(`${namespace}/${name}`)) continue;
          const path = ["spec", "rules", r, "from", f, "source", "principals", p];
          const known = issues.length < MAX_SUGGESTIONS ? namesIn(namespace, accounts) : [];
          issues.push(
            warningAt(resource, path, {
              found: principal,
              expected: "a ServiceAccount that exists",
              message: `refers to ServiceAccount ${namespace}/${name}, which does not exist`,
              suggestion: closest(name, known),
            }),
          );
        }
      }
    }
  }
  return issues;
}

function namesIn(namespace: string, accounts: ReadonlyMap<string, unknown>): readonly string[] {
  const prefix = `${namespace}/`;
  return [...accounts.keys()].flatMap((id) => (id.startsWith(prefix) ? id.slice(prefix.length) : []));
}
