/**
 * How commands reach the control plane: where it is, and what a person should do when it isn't.
 */
import { type Command, Option } from "commander";
import { type ApiClient, ApiError, ApiUnreachableError, apiClient } from "../local/api-client.ts";
import { findRunFile } from "../local/run-file.ts";
import { formatIssue } from "../resources/issue.ts";
import { CliError } from "./exit.ts";
import type { Io } from "./io.ts";

const DEFAULT_API = "http://127.0.0.1:15014";

/** Adds `--api` to a command. */
export function withApi(command: Command): Command {
  return command.addOption(
    new Option(
      "--api <url>",
      "the control plane's HTTP API; else WEFT_API, the mesh of weft up, 127.0.0.1:15014",
    ),
  );
}

/** Runs `use` with a client; failures of the API become errors that say what to do. */
export async function withClient<T>(
  api: string | undefined,
  io: Io,
  use: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const { base, from } = findApi(api, io);
  const client = apiClient(base);
  try {
    return await use(client);
  } catch (error) {
    if (error instanceof ApiUnreachableError) throw unreachable(error, from);
    if (error instanceof ApiError) {
      throw new CliError(error.message, { hints: error.issues.map(formatIssue) });
    }
    throw error;
  } finally {
    client.close();
  }
}

function findApi(api: string | undefined, io: Io): { base: string; from: string } {
  const given = api ?? io.env["WEFT_API"];
  if (given !== undefined && given !== "") {
    const base = given.includes("://") ? given : `http://${given}`;
    if (!URL.canParse(base)) throw new CliError(`"${given}" is no address`, { exitCode: 2 });
    return { base, from: api === undefined ? "WEFT_API" : "--api" };
  }
  const found = findRunFile(io.cwd);
  if (found !== undefined) return { base: found.run.api, from: `${found.path}, written by weft up` };
  return { base: DEFAULT_API, from: "the default" };
}

function unreachable(error: ApiUnreachableError, from: string): CliError {
  const cause = error.code === "ECONNREFUSED" ? "nobody listens there" : String(error.cause);
  return new CliError(`no control plane at ${error.base} (${cause})`, {
    hints: [
      `the address is from: ${from}`,
      'start a mesh with "weft up DIR", or a control plane with "weft control-plane --config DIR",',
      "or say where it is: --api http://HOST:PORT, or WEFT_API",
    ],
  });
}
