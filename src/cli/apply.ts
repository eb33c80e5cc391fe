/**
 * `weft apply`: all files in one change. Either everything in them is right and becomes the new state, or nothing
 * changes and every mistake is named.
 */
import type { ChangeAnswer } from "../local/api-types.ts";
import { formatIssue } from "../resources/issue.ts";
import { withApi, withClient } from "./api.ts";
import { followChange } from "./change.ts";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { collect, readDocuments } from "./documents.ts";
import { CliError, usageError } from "./exit.ts";
import type { Io } from "./io.ts";

interface Options {
  readonly filename?: readonly string[];
  readonly wait?: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly api?: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "apply",
        summary: "Create or change resources, all or nothing.",
        examples: [
          ["weft apply -f config/samples/canary-50.yaml --wait", "and return when every sidecar has it"],
          ["weft apply -f mesh/ --dry-run", "what would change?"],
          ["generate | weft apply -f -", "from a program"],
        ],
        exits: {
          ok: "accepted; with --wait: applied by every sidecar that it concerns",
          failed:
            "something is wrong with a resource and nothing changed, a sidecar refused, or time ran out",
        },
      },
      io,
    )
      .option("-f, --filename <path>", "file, directory, or - for stdin; may be repeated", collect)
      .option("--wait", "return when every sidecar that it concerns has applied it")
      .addOption(durationSetting("--timeout", "how long --wait waits", "30s"))
      .option("--dry-run", "check and compare, but change nothing"),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    if (options.filename === undefined)
      throw usageError("say what: -f with a file, a directory, or - for stdin");
    const { filename } = options;
    const files = await readDocuments(filename, io);
    return withClient(options.api, io, async (client) => {
      const path = options.dryRun === true ? "/v1/apply?dryRun=true" : "/v1/apply";
      const answer = await client.call<ChangeAnswer>("POST", path, { files });
      if (answer.results.length === 0) {
        const hints = answer.warnings.map(formatIssue);
        throw new CliError(`no resources in ${filename.join(", ")}`, { hints });
      }
      const dryRun = options.dryRun === true;
      const asked = { json: options.json === true, dryRun };
      return followChange(
        client,
        answer,
        options.wait === true ? { ...asked, waitMs: options.timeout } : asked,
        io,
      );
    });
  });
}
