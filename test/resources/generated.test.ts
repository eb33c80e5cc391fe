import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { generatedFiles } from "../../scripts/generate-reference.ts";

const ROOT = join(import.meta.dirname, "../..");

it.each([...generatedFiles()])(
  "%s is up to date (else: node scripts/generate-reference.ts)",
  (path, text) => {
    expect(readFileSync(join(ROOT, path), "utf8")).toBe(text);
  },
);
