/**
 * `weft delete`: one resource by its name, or all that files name, as one change.
 */
import type { ApiClient } from "../local/api-client.ts";
import type { ChangeAnswer } from "../local/api-types.ts";
import { withApi, withClient } from "./api.ts";
import { followChange } from "./change.ts";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { collect, readDocuments } from "./documents.ts";
import { usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { kindAndName, parseKind } from "./kinds.ts";

interface Options {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly ignoreNotFound?: boolean;
  readonly json?: boolean;
  readonly api?: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "delete",
        summary: "Delete resources: one by kind and name, or all that files name.",
        examples: [
          ["weft delete route/catalog", "the service gets its endpoints again, weights are gone"],
          ["weft delete -f mesh/ --wait", "and return when every sidecar has applied that"],
        ],
        exits: {
          ok: "deleted; with --wait: by every sidecar too",
          failed: "no such resource, or time ran out",
        },
      },
      io,
    )
      .argument("[kind]", "a kind, or kind/name")
      .argument("[name]", "name of the resource")
      .option("-f, --filename <path>", "file, directory, or - for stdin; may be repeated", collect)
      .option("-n, --namespace <name>", "namespace of the resource", "default")
      .option("--wait", "return when every sidecar that it concerns has applied it")
      .addOption(durationSetting("--timeout", "how long --wait waits", "30s"))
      .option("--ignore-not-found", "with -f: what is not there counts as deleted")
      .option("--dry-run", "say what would be deleted"),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    const request = await plan(command.args, options, io);
    return withClient(options.api, io, async (client) => {
      const answer = await request(client);
      const asked = {
        json: options.json === true,
        dryRun: options.dryRun === true,
        mayBeAbsent: options.ignoreNotFound === true,
      };
      return followChange(
        client,
        answer,
        options.wait === true ? { ...asked, waitMs: options.timeout } : asked,
        io,
      );
    });
  });
}

type Request = (client: ApiClient) => Promise<ChangeAnswer>;

async function plan(args: readonly string[], options: Options, io: Io): Promise<Request> {
  const [kind, name] = kindAndName(args);
  const query = options.dryRun === true ? "?dryRun=true" : "";
  if (options.filename !== undefined) {
    if (kind !== undefined) throw usageError("either -f or a kind and a name");
    const files = await readDocuments(options.filename, io);
    return (client) => client.call("POST", `/v1/delete${query}`, { files });
  }
  if (kind === undefined || name === undefined) throw usageError("say what: a kind and a name, or -f");
  const path = [parseKind(kind), options.namespace, name].map(encodeURIComponent).join("/");
  return (client) => client.call("DELETE", `/v1/resources/${path}${query}`);
}
