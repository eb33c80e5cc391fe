/** `weft install`: prints what runs the control plane in a Kubernetes cluster, for `kubectl apply`. */
import { Option } from "commander";
import { manifests, manifestText } from "../install/manifests.ts";
import { DEFAULT_INSTALL } from "../install/settings.ts";
import { newCommand, runCommand } from "./command.ts";
import { EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

interface Flags {
  readonly namespace: string;
  readonly image: string;
  readonly caSecret?: string;
  readonly replicas: number;
  readonly json?: boolean;
}

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_REPLICAS = 100;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const text = {
    name: "install",
    summary: "Print what runs the control plane in a Kubernetes cluster.",
    examples: [
      ["weft install | kubectl apply -f -", "one replica, which makes its CA and keeps it on a volume"],
      [
        "weft install --ca-secret weft-ca --replicas 3",
        "with your CA: a Secret with tls.crt, tls.key, ca.crt",
      ],
    ],
    exits: { ok: "printed", failed: "never" },
  } as const;
  const command = newCommand(text, io)
    .addOption(new Option("--namespace <name>", "where it runs").default(DEFAULT_INSTALL.namespace))
    .addOption(
      new Option("--image <image>", "its image; the entry point is weft").default(DEFAULT_INSTALL.image),
    )
    .addOption(new Option("--ca-secret <name>", "Secret with the CA; default: one is made on a volume"))
    .addOption(
      new Option("--replicas <n>", "more than one need --ca-secret")
        .argParser(replicasOf)
        .default(DEFAULT_INSTALL.replicas),
    );
  return runCommand(command, argv, io, async () => {
    const { namespace, image, caSecret, replicas, json: asJson } = command.opts<Flags>();
    if (!DNS_LABEL.test(namespace)) throw usageError(`--namespace must be a DNS label, found "${namespace}"`);
    if (replicas > 1 && caSecret === undefined) {
      throw usageError("several replicas must have the same CA: say which with --ca-secret NAME");
    }
    const list = manifests({ namespace, image, caSecret, replicas });
    io.stdout.write(
      asJson === true ? json({ apiVersion: "v1", kind: "List", items: list }) : manifestText(list),
    );
    return EXIT.ok;
  });
}

function replicasOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_REPLICAS) return count;
  throw usageError(`--replicas must be from 1 to ${MAX_REPLICAS}, found "${text}"`);
}
