/**
 * Writes what is generated from the resources' field tables: JSON Schemas for editors, the reference page and definitions for
 * Kubernetes and the Helm chart. A test fails when they are out of date.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { manifests, manifestText } from "../src/install/manifests.ts";
import { DEFAULT_INSTALL } from "../src/install/settings.ts";
import { CUSTOM_KINDS, definitionOf } from "../src/resources/crd.ts";
import { kindSchema, schemaFileName, weftSchema } from "../src/resources/json-schema.ts";
import { referencePage } from "../src/resources/reference.ts";
import { KINDS } from "../src/resources/resource.ts";
import { chartFiles } from "./chart-files.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SCHEMAS = "config/schemas";
const DEFINITIONS = "deploy/crds";
const MANIFESTS = "deploy/manifests/weft.yaml";

/** Paths below the repository's root, with what stands in them. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const kinds = KINDS.map((kind) => [`${SCHEMAS}/${schemaFileName(kind)}`, json(kindSchema(kind))] as const);
  const definitions = CUSTOM_KINDS.map((kind) => {
    const path = `${DEFINITIONS}/${schemaFileName(kind).replace(".schema.json", ".yaml")}`;
    return [path, yaml(definitionOf(kind))] as const;
  });
  return new Map([
    ...kinds,
    ...definitions,
    ...chartFiles(),
    [
      MANIFESTS,
      `# Generated from src/install by npm run reference: what weft install prints.\n${manifestText(manifests(DEFAULT_INSTALL))}`,
    ],
    [`${SCHEMAS}/weft.schema.json`, json(weftSchema())],
    ["docs/reference/resources.md", referencePage()],
  ]);
}

function yaml(value: unknown): string {
  const note = "# Generated from src/resources by npm run reference.\n";
  return note + stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, compat: "yaml-1.1" });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

if (import.meta.main) {
  for (const [path, text] of generatedFiles()) {
    const full = join(ROOT, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    process.stdout.write(`${path}\n`);
  }
}
