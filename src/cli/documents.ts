/**
 * Files that a person names on a command line: YAML files, directories of them, or `-` for what comes on stdin.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CliError, usageError } from "./exit.ts";
import type { Io } from "./io.ts";

/** One file as the API takes it; the name stands in its error messages. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

const YAML_FILE = /\.(?:ya?ml|json)$/;

/** Reads all of `paths`; a directory stands for the YAML files in it and below. */
export async function readDocuments(paths: readonly string[], io: Io): Promise<readonly NamedText[]> {
  const files: NamedText[] = [];
  for (const path of paths) {
    if (path === "-") files.push({ name: "stdin", text: await text(io.stdin) });
    else files.push(...readPath(path));
  }
  if (files.length === 0) {
    throw usageError(`no YAML files in ${paths.join(", ")}`, "files end in .yaml, .yml or .json");
  }
  return files;
}

function readPath(path: string): readonly NamedText[] {
  try {
    if (!statSync(path).isDirectory()) return [{ name: path, text: readFileSync(path, "utf8") }];
    return readdirSync(path, { recursive: true, encoding: "utf8" })
      .filter((name) => YAML_FILE.test(name) && !name.split("/").some((part) => part.startsWith(".")))
      .sort()
      .map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), "utf8") }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CliError(`${path}: no such file or directory`);
    throw new CliError(`${path}: can't be read (${code})`);
  }
}

/** For commander: collects an option that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
