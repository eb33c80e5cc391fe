/** `weft check`: is anything wrong with the mesh that runs, or about to be? Files, sidecars, certificates, each with a remedy. */

import type { SidecarStatus } from "../discovery/sidecar-status.ts";
import type { ApiClient } from "../local/api-client.ts";
import { ApiError } from "../local/api-client.ts";
import type { CertificatesAnswer, RotationAnswer, StatusAnswer } from "../local/api-types.ts";
import { withApi, withClient } from "./api.ts";
import { type Finding, findings, type MeshAnswers } from "./check-findings.ts";
import { newCommand, runCommand } from "./command.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { count, json, type Paint, painter } from "./output.ts";

const MARKS = { ok: ["green", "✓"], warning: ["yellow", "!"], problem: ["red", "✗"] } as const;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "check",
        summary:
          "Look for what is wrong with the mesh, or soon will be: files, sidecars that refuse or lag, certificates of the CA that end\n" +
          "within 30, 7 or 1 days, a change of the root that waits.",
        examples: [
          ["weft check", "the mesh that runs"],
          ["weft check --json | jq '.findings[] | select(.severity != \"ok\")'", "for a script"],
        ],
        exits: { ok: "nothing is wrong; there may be warnings", failed: "there are problems, or no answer" },
      },
      io,
    ),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<{ json?: boolean; api?: string }>();
    return withClient(options.api, io, async (client) => {
      const found = findings(await askAll(client), Date.now());
      const paint = painter(io.stdout, io.env);
      io.stdout.write(options.json === true ? json({ findings: found }) : describe(found, paint));
      return found.some(({ severity }) => severity === "problem") ? EXIT.failed : EXIT.ok;
    });
  });
}

async function askAll(client: ApiClient): Promise<MeshAnswers> {
  const status = await client.call<StatusAnswer>("GET", "/v1/status");
  const { items } = await client.call<{ items: readonly SidecarStatus[] }>("GET", "/v1/sidecars");
  try {
    const certificates = await client.call<CertificatesAnswer>("GET", "/v1/certificates");
    const rotation = await client.call<RotationAnswer>("GET", "/v1/root/rotate");
    return { status, sidecars: items, certificates, rotation };
  } catch (error) {
    if (error instanceof ApiError && error.code === "no_identity") return { status, sidecars: items };
    throw error;
  }
}

function describe(found: readonly Finding[], paint: Paint): string {
  const lines = found.flatMap(({ severity, about, text, remedy }) => {
    const [colour, mark] = MARKS[severity];
    const line = `${paint(colour, mark)} ${about}: ${text}`;
    return remedy === undefined ? [line] : [line, `    ${paint("dim", remedy)}`];
  });
  const of = (wanted: Finding["severity"]) => found.filter(({ severity }) => severity === wanted).length;
  return `${[...lines, `${count(of("problem"), "problem")}, ${count(of("warning"), "warning")}`].join("\n")}\n`;
}
