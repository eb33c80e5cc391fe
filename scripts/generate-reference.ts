/**
 * Writes what is generated from the resources' field tables: the JSON schema for editors and the reference page. A test
 * fails when they are out of date.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { jsonSchema } from "../src/resources/json-schema.ts";
import { referencePage } from "../src/resources/reference.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Paths below the repository's root, with what stands in them. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["config/schemas/weft.schema.json", `${JSON.stringify(jsonSchema(), null, 2)}\n`],
    ["docs/reference/resources.md", referencePage()],
  ]);
}

if (import.meta.main) {
  for (const [path, text] of generatedFiles()) {
    const full = join(ROOT, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    process.stdout.write(`${path}\n`);
  }
}
