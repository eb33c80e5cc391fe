/** `weft cert`: what the CA has issued (`list`), whom the mesh trusts (`show`), one for a program (`issue`), another root (`rotate-root`). */
import type { CertificatesAnswer, IssuedCertificate } from "../local/api-types.ts";
import { withApi, withClient } from "./api.ts";
import { type IssueOptions, issueCertificate } from "./cert-issue.ts";
import { rotateRoot } from "./cert-rotate.ts";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json, type Paint, painter, table } from "./output.ts";

const ACTIONS = ["list", "show", "issue", "rotate-root"] as const;
/** Characters of a fingerprint that are shown. */
const SHORT = 16;
const DAY_MS = 86_400_000;

interface Options extends IssueOptions {
  readonly pem?: boolean;
  readonly timeout: number;
  readonly api?: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "cert",
        summary:
          "Certificates of the mesh. list: the latest of each identity since the control plane's start; show: the CA and\n" +
          "the trusted roots; issue: a certificate and its key for a program outside of the mesh; rotate-root: another root, without a connection lost. Run again, rotate-root goes on with a\n" +
          "change that is under way.",
        examples: [
          ["weft cert list", "who has which certificate, until when"],
          ["weft cert show --pem > trust-bundle.pem", "what a sidecar verifies the control plane with"],
          [
            "weft cert issue --service-account job --out certs/",
            "for a program that calls the mesh as job, 24 h",
          ],
          ["weft cert rotate-root", "distribute the new root, reissue all certificates, retire the old root"],
        ],
        exits: {
          ok: "shown; issued; the root is changed",
          failed: "refused; time ran out (the change goes on), or no answer",
        },
      },
      io,
    )
      .argument("<action>", ACTIONS.join(", "))
      .option("--pem", "show: the trusted roots as PEM and nothing else")
      .option("-n, --namespace <name>", "issue: of the service account", "default")
      .option("--service-account <name>", "issue: whose identity it gives")
      .option("--out <dir>", "issue: where key.pem, cert.pem and bundle.pem go; - is stdout")
      .option("--force", "issue: replace files that are there")
      .addOption(durationSetting("--timeout", "rotate-root: how long to wait for sidecars", "5m")),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    const action = ACTIONS.find((known) => known === command.args[0]);
    if (action === undefined) throw usageError(`"${command.args[0]}" is none of ${ACTIONS.join(", ")}`);
    return withClient(options.api, io, async (client) => {
      if (action === "rotate-root") return rotateRoot(client, options.timeout, options.json === true, io);
      if (action === "issue") return issueCertificate(client, options, io);
      const answer = await client.call<CertificatesAnswer>("GET", "/v1/certificates");
      const paint = painter(io.stdout, io.env);
      const text = action === "list" ? list(answer.items, paint) : show(answer, paint);
      const shown = options.pem === true ? answer.bundle : text;
      io.stdout.write(options.json === true ? json(answer) : shown);
      return EXIT.ok;
    });
  });
}

function list(items: readonly IssuedCertificate[], paint: Paint): string {
  const columns = ["IDENTITY", "SERIAL", "BY", "EXPIRES", "ISSUED", "ROOT"].map((title) => ({ title }));
  const rows = items.map(({ identity, serial, by, notAfter, count, root }) => [
    ...[identity, serial.slice(0, SHORT), by, notAfter, String(count), root.slice(0, SHORT)],
  ]);
  return table(columns, rows, paint);
}

function show({ trustDomain, ca, roots }: CertificatesAnswer, paint: Paint): string {
  const columns = ["ROOT", "EXPIRES", "IN DAYS", "SIGNS"].map((title) => ({ title }));
  const rows = roots.map(({ fingerprint, notAfter, isSigning }) => [
    ...[fingerprint, notAfter, String(Math.floor((Date.parse(notAfter) - Date.now()) / DAY_MS))],
    isSigning ? "yes" : "no",
  ]);
  const head = `trust domain ${trustDomain}, ${ca.kind} CA until ${ca.notAfter}, ${ca.phase}\n`;
  return head + table(columns, rows, paint);
}
