/** What `weft inject` and `weft uninject` share: manifests in, manifests out, and a line for each pod on stderr. */
import { Option } from "commander";
import type { FoundPod } from "../inject/manifest.ts";
import { changeManifest, type Manifest, type PodChange, readManifests } from "../inject/manifest-text.ts";
import type { Operation } from "../inject/patch.ts";
import { byPlace, formatIssue, type Issue } from "../resources/issue.ts";
import { fieldName, type Problem } from "../resources/problem.ts";
import { collect, type NamedText, readDocuments } from "./documents.ts";
import { EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

/** What is done with one pod. */
export type Outcome =
  | {
      readonly action: "injected" | "restored";
      readonly patch: readonly Operation[];
      readonly detail?: string;
      readonly warnings?: readonly string[];
    }
  | {
      readonly action: "unchanged" | "skipped";
      readonly detail?: string;
      readonly warnings?: readonly string[];
    }
  | { readonly action: "refused"; readonly problems: readonly Problem[] };

/** One pod, as it is reported. */
interface Row {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly action: Exclude<Outcome["action"], "refused">;
  readonly detail?: string;
  readonly warnings: readonly string[];
}

export function filesOption(): Option {
  return new Option(
    "-f, --file <path>",
    "manifests: a file, a directory, or - for stdin; more than once",
  ).argParser(collect);
}

/** Prints the changed manifests; or, where anything is wrong, what it is, and no manifest. */
export async function changeFiles(
  paths: readonly string[],
  io: Io,
  asJson: boolean,
  decide: (pod: FoundPod) => Outcome,
): Promise<number> {
  if (paths.length === 0) throw usageError("say which manifests: -f FILE, or -f - for stdin");
  const issues: Issue[] = [];
  const rows: Row[] = [];
  const texts: string[] = [];
  for (const file of await readDocuments(paths, io)) {
    const { manifests, issues: unreadable } = readManifests(file.text);
    for (const { line, column, message } of unreadable)
      issues.push(issueOf(file, { line, column }, "", message));
    texts.push(manifests.map((manifest) => changeOne(file, manifest, decide, rows, issues)).join(""));
  }
  const sorted = issues.sort(byPlace);
  const manifests = joinFiles(texts);
  if (asJson) {
    const output = sorted.length > 0 ? {} : { manifests };
    io.stdout.write(json({ valid: sorted.length === 0, items: rows, issues: sorted, ...output }));
  } else {
    for (const issue of sorted) io.stderr.write(`${formatIssue(issue)}\n`);
    if (sorted.length === 0) for (const row of rows) io.stderr.write(rowText(row));
    if (sorted.length === 0) io.stdout.write(manifests);
  }
  return sorted.length > 0 ? EXIT.failed : EXIT.ok;
}

function changeOne(
  file: NamedText,
  manifest: Manifest,
  decide: (pod: FoundPod) => Outcome,
  rows: Row[],
  issues: Issue[],
): string {
  const changes: PodChange[] = [];
  for (const pod of manifest.pods) {
    const outcome = decide(pod);
    if (outcome.action === "refused") {
      issues.push(
        ...outcome.problems.map(({ path, message, suggestion, found, expected }) => ({
          ...issueOf(file, manifest.locate(path), fieldName(path), message),
          ...{ kind: pod.kind, name: pod.name, found, expected },
          ...(suggestion === undefined ? {} : { suggestion }),
        })),
      );
      continue;
    }
    const { action, detail, warnings = [] } = outcome;
    const { kind, name, namespace } = pod;
    rows.push({
      ...{ file: file.name, line: manifest.locate(pod.path).line, kind, name },
      ...(namespace === undefined ? {} : { namespace }),
      action,
      ...(detail === undefined ? {} : { detail }),
      warnings,
    });
    if ("patch" in outcome && outcome.patch.length > 0)
      changes.push({ path: pod.path, patch: outcome.patch });
  }
  return changes.length === 0 ? manifest.text : changeManifest(manifest.text, changes);
}

/** Files follow each other as documents of one. */
function joinFiles(texts: readonly string[]): string {
  return texts
    .filter((text) => text.trim() !== "")
    .map((text) => (text.endsWith("\n") ? text : `${text}\n`))
    .reduce(
      (all, text) => (all === "" ? text : `${all}${/^---(?:\s|$)/.test(text) ? "" : "---\n"}${text}`),
      "",
    );
}

function rowText({ file, line, kind, name, namespace, action, detail, warnings }: Row): string {
  const who = `${file}:${line}: ${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  const what = detail === undefined ? action : `${action}: ${detail}`;
  return [`${who}: ${what}`, ...warnings.map((text) => `${who}: warning: ${text}`)]
    .map((l) => `${l}\n`)
    .join("");
}

function issueOf(
  file: NamedText,
  place: { readonly line: number; readonly column: number },
  field: string,
  message: string,
): Issue {
  return { severity: "error", file: file.name, ...place, field, found: "", expected: "", message };
}
