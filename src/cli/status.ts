/**
 * `weft status`: is what was applied live everywhere? One row a sidecar, with the versions it was sent and has applied,
 * and below the table what it refused, and why; and what keeps the control plane from taking the files as they are.
 */
import type { SidecarStatus } from "../discovery/sidecar-status.ts";
import type { StatusAnswer } from "../local/api-types.ts";
import { formatIssue } from "../resources/issue.ts";
import { withApi, withClient } from "./api.ts";
import { newCommand, runCommand } from "./command.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { count, json, type Paint, painter, table } from "./output.ts";

/** Most errors of files that are shown; `weft validate` shows all. */
const MAX_ERRORS = 10;

const STATE_FORMAT = { synced: "green", stale: "yellow", rejected: "red", disconnected: "dim" } as const;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "status",
        summary:
          "Show which sidecars are connected, and whether each has applied what it was sent: synced, stale (not " +
          "yet), rejected (refuses some of it). One that has gone is listed as disconnected for ten minutes.",
        examples: [
          ["weft status", "the mesh that weft up runs"],
          ["weft status --json | jq '.items[].state'", "for a script"],
        ],
        exits: {
          ok: "every connected sidecar is synced, and the files hold no errors",
          failed: "one is stale or refuses something, a file is broken, or no answer",
        },
      },
      io,
    ),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<{ json?: boolean; api?: string }>();
    return withClient(options.api, io, async (client) => {
      const { items } = await client.call<{ items: readonly SidecarStatus[] }>("GET", "/v1/sidecars");
      const { change, source } = await client.call<StatusAnswer>("GET", "/v1/status");
      const paint = painter(io.stdout, io.env);
      const text = () => describe(items, change, paint) + broken(source, paint);
      io.stdout.write(options.json === true ? json({ change, items, source }) : text());
      const isSynced = connected(items).every((item) => item.state === "synced");
      return isSynced && source.state === "ok" ? EXIT.ok : EXIT.failed;
    });
  });
}

function broken({ state, issues }: StatusAnswer["source"], paint: Paint): string {
  if (state === "ok") return "";
  const errors = issues.filter(({ severity }) => severity === "error").map(formatIssue);
  const more = errors.length > MAX_ERRORS ? [`and ${errors.length - MAX_ERRORS} more`] : [];
  const title = `${paint("red", "broken")} files; the last good state is served:`;
  return `${[title, ...[...errors.slice(0, MAX_ERRORS), ...more].map((line) => `  ${line}`)].join("\n")}\n`;
}

function describe(items: readonly SidecarStatus[], change: number, paint: Paint): string {
  if (items.length === 0) return "no sidecar is connected\n";
  const rows = items.map((item) => [
    item.id,
    paint(STATE_FORMAT[item.state], item.state),
    item.change === change ? String(change) : `${item.change} of ${change}`,
    resources(item),
    item.version,
    item.disconnectedSince === undefined
      ? `for ${age(item.connectedSince)}`
      : `gone for ${age(item.disconnectedSince)}`,
  ]);
  const columns = ["SIDECAR", "STATE", "CHANGE", "APPLIED", "WEFT", "CONNECTED"].map((title) => ({ title }));
  const refused = items.flatMap((item) =>
    item.nacks.map((nack) => {
      const field = nack.field === undefined ? "" : ` (${nack.field})`;
      return `${paint("red", "refused")} ${item.id}: ${nack.resource}${field}: ${nack.message}; version ${nack.version}`;
    }),
  );
  const here = connected(items);
  const synced = here.filter((item) => item.state === "synced").length;
  const gone = items.length - here.length;
  const absent = gone === 0 ? "" : `, ${gone} disconnected`;
  const lines = [...refused, `${synced} of ${count(here.length, "sidecar")} synced${absent}`];
  return `${table(columns, rows, paint)}${lines.join("\n")}\n`;
}

function connected(items: readonly SidecarStatus[]): readonly SidecarStatus[] {
  return items.filter((item) => item.state !== "disconnected");
}

/** `route 12, cluster 9`, and `route 11 of 12` where the latest is not applied yet. */
function resources(item: SidecarStatus): string {
  return Object.entries(item.types)
    .map(([type, { sent, applied }]) =>
      sent === applied ? `${type} ${sent}` : `${type} ${applied} of ${sent}`,
    )
    .join(", ");
}

function age(since: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1_000));
  if (Number.isNaN(seconds)) return "-";
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
