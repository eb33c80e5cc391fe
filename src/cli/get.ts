/**
 * `weft get`: what the control plane holds.
 */
import { Option } from "commander";
import { stringify } from "yaml";
import { closest } from "../resources/suggest.ts";
import { withApi, withClient } from "./api.ts";
import { newCommand, runCommand } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { KINDS, kindAndName, parseKind } from "./kinds.ts";
import { json, painter } from "./output.ts";
import { type Document, resourceTables } from "./resource-table.ts";

const FORMATS = ["table", "wide", "name", "yaml", "json"] as const;
type Format = (typeof FORMATS)[number];

interface Options {
  readonly namespace?: string;
  readonly output: Format;
  readonly json?: boolean;
  readonly api?: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "get",
        summary: `Show resources. Kinds: ${KINDS.join(", ")}; or all.`,
        examples: [
          ["weft get routes", "all HTTPRoutes, with their weights"],
          ["weft get route/catalog -o yaml", "one of them, as it could be applied again"],
          ["weft get workloads -o wide", "with their labels"],
          ["weft get all -n shop", "everything in a namespace"],
        ],
        exits: { ok: "shown, also if there are none", failed: "no such resource, or no answer" },
      },
      io,
    )
      .argument("<kind>", "a kind, or all; or kind/name")
      .argument("[name]", "name of one resource")
      .option("-n, --namespace <name>", "only this namespace; with a name: default where absent")
      .addOption(new Option("-o, --output <format>", "how to print").choices(FORMATS).default("table")),
  );
  return runCommand(command, argv, io, async () => {
    const [kind = "", name] = kindAndName(command.args);
    const options = command.opts<Options>();
    const documents = await withClient(options.api, io, async (client) => {
      const wanted = kind === "all" ? undefined : parseKind(kind);
      const query = new URLSearchParams();
      if (wanted !== undefined) query.set("kind", wanted);
      const namespace = options.namespace ?? (name === undefined ? undefined : "default");
      if (namespace !== undefined) query.set("namespace", namespace);
      const { items } = await client.call<{ items: readonly Document[] }>("GET", `/v1/resources?${query}`);
      if (name === undefined) return items;
      const found = items.filter((item) => item.metadata.name === name);
      if (found.length === 0) {
        const close = closest(
          name,
          items.map((item) => item.metadata.name),
        );
        const hints = close === undefined ? [] : [`did you mean "${close}"?`];
        throw new CliError(`no ${wanted ?? "resource"} ${namespace}/${name}`, { hints });
      }
      return found;
    });
    const format = options.json === true ? "json" : options.output;
    io.stdout.write(print(documents, format, name !== undefined, io));
    return EXIT.ok;
  });
}

function print(documents: readonly Document[], format: Format, isOne: boolean, io: Io): string {
  switch (format) {
    case "json":
      return json(isOne ? documents[0] : { items: documents });
    case "yaml":
      return documents.map((document) => stringify(document, { compat: "yaml-1.1" })).join("---\n");
    case "name":
      return documents.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}\n`).join("");
    case "table":
    case "wide":
      if (documents.length === 0) return "none\n";
      return resourceTables(documents, painter(io.stdout, io.env), format === "wide");
  }
}
