/**
 * `weft cert issue`: a certificate for a program outside of the mesh, with which it calls workloads as a service account. The key is
 * made here and leaves this machine in no request.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { makeCsr } from "../identity/csr.ts";
import { makeKey, privateKeyPem } from "../identity/key.ts";
import type { ApiClient } from "../local/api-client.ts";
import type { IssueAnswer } from "../local/api-types.ts";
import { writeAtomically } from "../local/atomic-file.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

export interface IssueOptions {
  readonly namespace: string;
  readonly serviceAccount?: string;
  /** A directory, or `-` for stdout. */
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function issueCertificate(client: ApiClient, options: IssueOptions, io: Io): Promise<number> {
  const { namespace, serviceAccount, out, force } = options;
  if (serviceAccount === undefined) throw usageError("say for whom: --service-account NAME");
  if (out === undefined) throw usageError("say where to: --out DIR, or --out - for stdout");
  const paths = { key: join(out, "key.pem"), cert: join(out, "cert.pem"), bundle: join(out, "bundle.pem") };
  const taken = Object.values(paths).filter((path) => out !== "-" && existsSync(path));
  if (taken.length > 0 && force !== true) {
    throw new CliError(`${taken.join(", ")} is there already`, { hints: ["--force replaces it"] });
  }
  const key = makeKey();
  const csr = makeCsr(key).toString("base64");
  const body = { csr, namespace, serviceAccount };
  const answer = await client.call<IssueAnswer>("POST", "/v1/certificates", body);
  const { identity, chain, bundle, notAfter } = answer;
  const says = `${identity}, until ${notAfter}`;
  if (out === "-") {
    const pem = { key: privateKeyPem(key), cert: chain, bundle };
    io.stdout.write(
      options.json === true ? json({ identity, notAfter, ...pem }) : Object.values(pem).join(""),
    );
    io.stderr.write(`${says}\n`);
    return EXIT.ok;
  }
  mkdirSync(out, { recursive: true, mode: 0o700 });
  writeAtomically(paths.key, privateKeyPem(key));
  writeAtomically(paths.cert, chain);
  writeAtomically(paths.bundle, bundle);
  io.stdout.write(options.json === true ? json({ identity, notAfter, files: paths }) : `${out}: ${says}\n`);
  return EXIT.ok;
}
