/** The resources that `weft authz` decides by: files, or what a control plane holds. */
import { formatIssue, hasErrors } from "../resources/issue.ts";
import { loadFiles } from "../resources/load.ts";
import type { Origin, Resource } from "../resources/resource.ts";
import { withClient } from "./api.ts";
import { readDocuments } from "./documents.ts";
import { CliError } from "./exit.ts";
import type { Io } from "./io.ts";

export interface AuthzResources {
  readonly resources: readonly Resource[];
  /** Whether places within a resource are those of its file. */
  readonly hasPlaces: boolean;
}

/** Reads files; throws a CliError that names everything wrong with them. */
export async function readFiles(paths: readonly string[], io: Io): Promise<AuthzResources> {
  const { resources, issues } = loadFiles(await readDocuments(paths, io));
  if (hasErrors(issues)) {
    const errors = issues.filter(({ severity }) => severity === "error");
    throw new CliError("the resources have errors", { hints: errors.map(formatIssue) });
  }
  return { resources, hasPlaces: true };
}

/** Asks the control plane. */
export function readPlane(api: string | undefined, io: Io): Promise<AuthzResources> {
  return withClient(api, io, async (client) => {
    const { items, origins } = await client.call<{
      items: readonly unknown[];
      origins: readonly Origin[];
    }>("GET", "/v1/resources?origins=true");
    const resources = items.flatMap((item, i) => {
      const { file = "control plane", line = 1 } = origins[i] ?? {};
      const loaded = loadFiles([{ name: file, text: JSON.stringify(item) }]);
      return loaded.resources.map((resource) => ({ ...resource, origin: { file, line } }));
    });
    return { resources, hasPlaces: false };
  });
}
