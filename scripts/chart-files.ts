/**
 * What of the Helm chart comes from the same tables as everything else: the definitions of Weft's kinds and the control plane's rights.
 * Definitions are templates, since Helm never upgrades what is in `crds/`; they stay when a release is uninstalled, as otherwise every
 * resource of the mesh would go with them. The other templates are written by hand and compared with what `weft install` prints.
 */
import { stringify } from "yaml";
import { accessManifests } from "../src/install/access.ts";
import { DEFAULT_INSTALL } from "../src/install/settings.ts";
import { CUSTOM_KINDS, definitionOf } from "../src/resources/crd.ts";
import { schemaFileName } from "../src/resources/json-schema.ts";

const TEMPLATES = "deploy/chart/templates";
const KEPT = { annotations: { "helm.sh/resource-policy": "keep" } };

/** Paths below the repository's root, with what stands in them. */
export function chartFiles(): readonly (readonly [path: string, text: string])[] {
  const definitions = CUSTOM_KINDS.map((kind) => {
    const definition = definitionOf(kind);
    const metadata = { ...(definition["metadata"] as object), ...KEPT };
    const name = schemaFileName(kind).replace(".schema.json", ".yaml");
    const text = `{{- if .Values.crds.install }}\n${yaml({ ...definition, metadata })}{{- end }}\n`;
    return [`${TEMPLATES}/crds/${name}`, noted("src/resources", text)] as const;
  });
  const role = accessManifests(DEFAULT_INSTALL).find(({ kind }) => kind === "ClusterRole");
  return [...definitions, [`${TEMPLATES}/cluster-role.yaml`, noted("src/install/access.ts", yaml(role))]];
}

function yaml(value: unknown): string {
  const text = stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
  // Helm would take it for its own.
  if (text.includes("{{")) throw new Error("a definition holds {{");
  return text;
}

function noted(from: string, text: string): string {
  return `# Generated from ${from} by npm run reference.\n${text}`;
}
