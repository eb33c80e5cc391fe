/** `weft authz check`: would policy let this request pass, and what decides. */
import { indexMesh } from "../control-plane/compile/mesh-index.ts";
import type { Claims } from "../proxy/policy/view.ts";
import { withApi } from "./api.ts";
import { type Answer, type Asked, AuthzCheck } from "./authz-check.ts";
import { callersOf, targetsOf } from "./authz-party.ts";
import { readFiles, readPlane } from "./authz-resources.ts";
import { newCommand, runCommand } from "./command.ts";
import { collect } from "./documents.ts";
import { integerOption } from "./duration.ts";
import { EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json, painter } from "./output.ts";

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly namespace: string;
  readonly method: string;
  readonly path: string;
  readonly host?: string;
  readonly port?: number;
  readonly address?: string;
  readonly header?: readonly string[];
  readonly claim?: readonly string[];
  readonly tcp?: boolean;
  readonly filename?: readonly string[];
  readonly json?: boolean;
  readonly api?: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "authz",
        summary: "Would policy let this request pass, and what decides? Nothing is sent.",
        examples: [
          ["weft authz check --from web --to catalog --path /items", "in the mesh that runs"],
          ["weft authz check -f mesh/ --from web --to catalog --method DELETE --path /items/1", "in files"],
          ["weft authz check --from web --to catalog --claim role=admin --header x-team=a", "with a token"],
          ["weft authz check --to catalog --address 10.1.2.3", "somebody without a certificate"],
        ],
        exits: { ok: "allowed", failed: "denied, or no answer" },
      },
      io,
    )
      .argument("<action>", "check")
      .option("--from <name>", "Workload, Service or principal that calls; absent: nobody proven")
      .option("--to <name>", "Workload or Service that is called")
      .option("-n, --namespace <name>", "of both, where their names don't say: NAMESPACE/NAME", "default")
      .option("--method <method>", "of the request", "GET")
      .option("--path <path>", "of the request", "/")
      .option("--host <host>", "of the request; absent: the name of --to")
      .option("--port <n>", "the Service's port, or the application's", integerOption("--port", 1, 65_535))
      .option("--address <ip>", "where the connection comes from; absent: the caller's Workload")
      .option("--header <name=value>", "a header; more than once", collect)
      .option(
        "--claim <name=value>",
        "a claim of a verified token; more than once, a.b=c for nested",
        collect,
      )
      .option("--tcp", "a connection that is not HTTP")
      .option("-f, --filename <path>", "files instead of a control plane; more than once", collect),
  );
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    const [action] = command.args;
    if (action !== "check") throw usageError(`"${action}" is no action`, "weft authz check …");
    if (options.to === undefined) throw usageError("say who is called: --to NAME");
    const answers = await answersTo(options, options.to, io);
    io.stdout.write(options.json === true ? json({ items: answers }) : printed(answers, io));
    return answers.every(({ allowed }) => allowed) ? EXIT.ok : EXIT.failed;
  });
}

async function answersTo(options: Options, to: string, io: Io): Promise<readonly Answer[]> {
  const { filename, api, namespace } = options;
  const found = filename === undefined ? await readPlane(api, io) : await readFiles(filename, io);
  const mesh = indexMesh(found.resources, "STRICT");
  const check = new AuthzCheck(found);
  const callers = callersOf(mesh, options.from, namespace);
  const asked = askedFor(options, to);
  return targetsOf(mesh, to, namespace).flatMap((target) =>
    callers.map((caller) => check.answer(caller, target, asked)),
  );
}

function askedFor(options: Options, to: string): Asked {
  const { method, path, host = to.split("/").at(-1) ?? to, port, address, header = [], claim } = options;
  return {
    ...{ method, path, host },
    headers: header.map((text) => pair(text, "--header")),
    claims: claim === undefined ? null : claimsOf(claim),
    ...(port === undefined ? {} : { port }),
    ...(address === undefined ? {} : { address }),
    isTcp: options.tcp === true,
  };
}

function pair(text: string, option: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw usageError(`${option} needs name=value, not "${text}"`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** `a.b=c` is `{a: {b: "c"}}`; the same name twice makes a list. */
function claimsOf(texts: readonly string[]): Claims {
  const claims = new Map<string, readonly string[]>();
  for (const text of texts) {
    const [name, value] = pair(text, "--claim");
    claims.set(name, [...(claims.get(name) ?? []), value]);
  }
  const root: Record<string, unknown> = Object.create(null);
  for (const [name, values] of claims) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    const at = path.reduce(below, root);
    at[last] = values.length === 1 ? values[0] : values;
  }
  return root;
}

function below(claims: Record<string, unknown>, name: string): Record<string, unknown> {
  const known = claims[name];
  if (typeof known === "object" && known !== null) return known as Record<string, unknown>;
  const made: Record<string, unknown> = Object.create(null);
  claims[name] = made;
  return made;
}

function printed(answers: readonly Answer[], io: Io): string {
  const paint = painter(io.stdout, io.env);
  return answers
    .map(({ from, to, allowed, decidedBy, file, line, audited }) => {
      const word = allowed ? paint("green", "allowed") : paint("red", "denied");
      const place = file === undefined ? "" : ` (${file}:${line})`;
      const also = audited === undefined ? "" : `\n  audited by ${audited}`;
      return `${word}: ${from} → ${to}\n  by ${decidedBy}${place}${also}\n`;
    })
    .join("");
}
