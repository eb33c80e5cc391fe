/** `weft install`: prints what runs the control plane in a Kubernetes cluster, for `kubectl apply`. */
import { Option } from "commander";
import { IMAGES, QUANTITIES, type ValueKind } from "../inject/values.ts";
import { manifests, manifestText } from "../install/manifests.ts";
import { DEFAULT_INSTALL, type InstallSettings } from "../install/settings.ts";
import { newCommand, runCommand } from "./command.ts";
import { EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

interface Flags extends Omit<InstallSettings, "resources" | "imagePullSecrets"> {
  readonly imagePullSecret: readonly string[];
  readonly cpu: string;
  readonly cpuLimit: string;
  readonly memory: string;
  readonly memoryLimit: string;
  readonly json?: boolean;
}

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_REPLICAS = 100;

const NAMES: ValueKind<string> = {
  expected: "a name of Kubernetes",
  parse: (text) => (DNS_NAME.test(text) ? text : undefined),
};
const NAMESPACES: ValueKind<string> = {
  expected: "a DNS label",
  parse: (text) => (DNS_LABEL.test(text) ? text : undefined),
};
const REPLICAS: ValueKind<number> = {
  expected: `from 1 to ${MAX_REPLICAS}`,
  parse: (text) => {
    const count = Number(text);
    return /^\d{1,3}$/.test(text) && count >= 1 && count <= MAX_REPLICAS ? count : undefined;
  },
};

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const text = {
    name: "install",
    summary: "Print what runs the control plane in a Kubernetes cluster.",
    examples: [
      ["weft install | kubectl apply -f -", "one replica, with a CA of its own in the Secret weft-ca"],
      ["weft install --replicas 3", "three, on different machines where it can be, with the same CA"],
      ["weft install --ca-secret your-ca", "with your CA: a Secret with tls.crt, tls.key, ca.crt"],
    ],
    exits: { ok: "printed", failed: "never" },
  } as const;
  const { resources, ...defaults } = DEFAULT_INSTALL;
  const command = newCommand(text, io)
    .addOption(checked("--namespace <name>", "where it runs", NAMESPACES).default(defaults.namespace))
    .addOption(
      checked("--image <image>", "its image; the entry point is weft", IMAGES).default(defaults.image),
    )
    .addOption(
      new Option("--image-pull-policy <policy>", "when it is fetched; default: Kubernetes'").choices([
        "Always",
        "IfNotPresent",
        "Never",
      ]),
    )
    .addOption(
      new Option("--image-pull-secret <name>", "Secret with which it is fetched; more than once for several")
        .argParser((name: string, known: readonly string[]) => [
          ...known,
          parsed("--image-pull-secret", name, NAMES),
        ])
        .default([]),
    )
    .addOption(checked("--sidecar-image <image>", "what is injected; default: the same image", IMAGES))
    .addOption(
      new Option("--sidecar-form <form>", "classic: for clusters before 1.29")
        .choices(["native", "classic"])
        .default(defaults.sidecarForm),
    )
    .addOption(checked("--ca-secret <name>", "Secret with your CA; default: one is made in weft-ca", NAMES))
    .addOption(
      checked("--trust-domain <name>", "where MeshConfig does not say; default: cluster.local", NAMES),
    )
    .addOption(
      checked("--replicas <n>", "more than one: with a PodDisruptionBudget, spread", REPLICAS).default(
        defaults.replicas,
      ),
    )
    .addOption(
      new Option(
        "--failure-policy <policy>",
        "Ignore: pods that start while no control plane answers have no sidecar",
      )
        .choices(["Fail", "Ignore"])
        .default(defaults.failurePolicy),
    )
    .addOption(
      new Option("--log-level <level>", "least that is logged")
        .choices(["info", "warn", "error"])
        .default(defaults.logLevel),
    )
    .addOption(checked("--priority-class <name>", "PriorityClass of its pods", NAMES))
    .addOption(checked("--cpu <quantity>", "request", QUANTITIES).default(resources.cpu))
    .addOption(checked("--cpu-limit <quantity>", "limit", QUANTITIES).default(resources.cpuLimit))
    .addOption(checked("--memory <quantity>", "request", QUANTITIES).default(resources.memory))
    .addOption(checked("--memory-limit <quantity>", "limit", QUANTITIES).default(resources.memoryLimit))
    .addOption(new Option("--no-crds", "without the definitions of Weft's kinds"));
  return runCommand(command, argv, io, async () => {
    const {
      json: asJson,
      imagePullSecret,
      cpu,
      cpuLimit,
      memory,
      memoryLimit,
      ...rest
    } = command.opts<Flags>();
    const list = manifests({
      ...rest,
      imagePullSecrets: imagePullSecret,
      resources: { cpu, cpuLimit, memory, memoryLimit },
    });
    io.stdout.write(
      asJson === true ? json({ apiVersion: "v1", kind: "List", items: list }) : manifestText(list),
    );
    return EXIT.ok;
  });
}

/** An option with a value of a kind. */
function checked<T>(flags: `--${string} <${string}>`, about: string, kind: ValueKind<T>): Option {
  const [flag = ""] = flags.split(" ");
  return new Option(flags, about).argParser((text) => parsed(flag, text, kind));
}

function parsed<T>(flag: string, text: string, { parse, expected }: ValueKind<T>): T {
  const value = parse(text);
  if (value === undefined) throw usageError(`${flag} must be ${expected}, found "${text}"`);
  return value;
}
