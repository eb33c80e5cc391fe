/** The fixtures: pods of all shapes that clusters have, one file each. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { type FoundPod, podsIn } from "../../../src/inject/manifest.ts";
import { DEFAULT_SETTINGS, type InjectSettings } from "../../../src/inject/settings.ts";

const DIRECTORY = join(import.meta.dirname, "fixtures");

export const SETTINGS: InjectSettings = { ...DEFAULT_SETTINGS, version: "1.2.3" };
export const CLASSIC: InjectSettings = { ...SETTINGS, form: "classic" };

export const FIXTURES: readonly string[] = readdirSync(DIRECTORY)
  .map((file) => file.replace(/\.yaml$/, ""))
  .sort();

export function fixtureText(name: string): string {
  return readFileSync(join(DIRECTORY, `${name}.yaml`), "utf8");
}

/** All pods of all fixtures, with a name for each. */
export function allPods(): readonly (FoundPod & { readonly label: string })[] {
  return FIXTURES.flatMap((name) => {
    const value: unknown = parseDocument(fixtureText(name), { merge: true }).toJS();
    return podsIn(value).map((pod, i) => ({ ...pod, label: i === 0 ? name : `${name} #${i}` }));
  });
}
