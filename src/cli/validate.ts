/**
 * `weft validate`: checks files without a control plane. It reads what the control plane reads, with the same code, so
 * that what is valid here is valid there.
 */
import { byPlace, formatIssue, hasErrors, type Issue } from "../resources/issue.ts";
import { loadFiles } from "../resources/load.ts";
import { newCommand, runCommand } from "./command.ts";
import { readDocuments } from "./documents.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { count, json, type Paint, painter } from "./output.ts";

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand(
    {
      name: "validate",
      summary:
        "Check files without a control plane: every mistake, with its line and what was probably meant.",
      examples: [
        ["weft validate config/demo", "all resources of a directory"],
        ["weft validate route.yaml policy.yaml", "files, as one mesh"],
        ["generate | weft validate -", "what a program wrote"],
      ],
      exits: { ok: "no errors; there may be warnings", failed: "something is wrong" },
    },
    io,
  ).argument("<path...>", "files, directories, or - for stdin");
  return runCommand(command, argv, io, async () => {
    const files = await readDocuments(command.args, io);
    const { resources, issues } = loadFiles(files, undefined, Number.POSITIVE_INFINITY);
    const sorted = [...issues].sort(byPlace);
    if (command.opts<{ json?: boolean }>().json === true) {
      const valid = !hasErrors(sorted);
      io.stdout.write(json({ valid, files: files.length, resources: resources.length, issues: sorted }));
    } else {
      const paint = painter(io.stdout, io.env);
      for (const issue of sorted) io.stdout.write(`${coloured(issue, paint)}\n`);
      io.stdout.write(`${summary(files.length, resources.length, sorted)}\n`);
    }
    return hasErrors(sorted) ? EXIT.failed : EXIT.ok;
  });
}

function coloured(issue: Issue, paint: Paint): string {
  const { severity } = issue;
  return formatIssue(issue).replace(`: ${severity}: `, () => {
    return `: ${paint(severity === "error" ? "red" : "yellow", severity)}: `;
  });
}

function summary(files: number, resources: number, issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  const warnings = issues.length - errors;
  const read = `${count(files, "file")}, ${count(resources, "valid resource")}`;
  return `${read}, ${count(errors, "error")}, ${count(warnings, "warning")}`;
}
