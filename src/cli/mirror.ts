/** `weft mirror report`: how the responses of mirrors differ from the real ones, as one sidecar has seen them. */

import type { SidecarStatus } from "../discovery/sidecar-status.ts";
import { ApiError, ApiUnreachableError, apiClient } from "../local/api-client.ts";
import type { PairReport } from "../proxy/mirrors/report.ts";
import { reportText } from "../proxy/mirrors/report-text.ts";
import { withApi, withClient } from "./api.ts";
import { newCommand, runCommand } from "./command.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

interface Options {
  readonly json?: boolean;
  readonly api?: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "mirror",
        summary:
          "report: where the responses of mirrors differ from the real ones, as the sidecar of the caller has seen them.\n" +
          "A TrafficPolicy with mirrorComparison says what is compared.",
        examples: [
          ["weft mirror report web", "by the sidecar default/web, on this machine"],
          ["weft mirror report 127.0.0.1:15000 --json", "by the sidecar whose admin port that is"],
        ],
        exits: { ok: "shown, whatever differs", failed: "no such sidecar, or no answer" },
      },
      io,
    )
      .argument("<action>", "report")
      .argument("<sidecar>", "name of a sidecar on this machine, or the address of its admin port"),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    const [action, sidecar = ""] = command.args;
    if (action !== "report") throw usageError(`"${action}" is not report`);
    const base = isAddress(sidecar) ? addressOf(sidecar) : await adminOf(sidecar, options.api, io);
    const answer = await ask(base);
    io.stdout.write(options.json === true ? json(answer) : `${reportText(answer.items)}\n`);
    return EXIT.ok;
  });
}

/** Names of sidecars have no colon, and are not numbers. */
function isAddress(text: string): boolean {
  return text.includes(":") || /^\d+$/.test(text);
}

function addressOf(text: string): string {
  const url = text.includes("://") ? text : `http://${/^\d+$/.test(text) ? `127.0.0.1:${text}` : text}`;
  if (!URL.canParse(url)) throw usageError(`"${text}" is no address`);
  return url;
}

/** Where the sidecar's admin port is: the control plane knows its number, and it is on loopback. */
async function adminOf(name: string, api: string | undefined, io: Io): Promise<string> {
  const { items } = await withClient(api, io, (client) =>
    client.call<{ items: readonly SidecarStatus[] }>("GET", "/v1/sidecars"),
  );
  const here = items.filter(({ state }) => state !== "disconnected");
  const found = here.find(({ id }) => id === name || id === `default/${name}`);
  const port = found?.ports["admin"];
  if (port !== undefined) return `http://127.0.0.1:${port}`;
  throw new CliError(`no sidecar "${name}" is connected`, {
    hints: [here.length === 0 ? "none is" : `connected: ${here.map(({ id }) => id).join(", ")}`],
  });
}

async function ask(base: string): Promise<{ readonly items: readonly PairReport[] }> {
  const client = apiClient(base);
  try {
    const answer = await client.call<{ readonly items?: readonly Partial<PairReport>[] }>("GET", "/mirrors");
    // Another server may answer anything.
    if (answer.items?.every(({ paths }) => Array.isArray(paths)) !== true)
      throw new CliError(`what answers at ${base} has no report of a sidecar`);
    return answer as { readonly items: readonly PairReport[] };
  } catch (error) {
    if (!(error instanceof ApiUnreachableError || error instanceof ApiError)) throw error;
    throw new CliError(`no admin port of a sidecar at ${base}`, {
      hints: [error instanceof ApiError ? error.message : `${error.code || error.message}`],
    });
  } finally {
    client.close();
  }
}
