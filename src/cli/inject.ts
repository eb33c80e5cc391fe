/** `weft inject`: manifests with a sidecar in every pod, made without a cluster by what the admission webhook uses, too. */
import { isIP } from "node:net";
import { Option } from "commander";
import { type ComposeSettings, DEFAULT_COMPOSE_SETTINGS, injectCompose } from "../inject/compose.ts";
import { injectPod } from "../inject/inject.ts";
import { COMPOSE, type FoundPod } from "../inject/manifest.ts";
import { DEFAULT_SETTINGS, type InjectSettings } from "../inject/settings.ts";
import { newCommand, runCommand } from "./command.ts";
import { usageError } from "./exit.ts";
import { changeFiles, filesOption, type Outcome } from "./inject-files.ts";
import { addInjectOptions, type InjectFlags, injectSettings } from "./inject-settings.ts";
import type { Io } from "./io.ts";

interface Flags extends InjectFlags {
  readonly file?: readonly string[];
  readonly controlPlane: string;
  readonly trustDomain: string;
  readonly json?: boolean;
  readonly composeConfig: string;
  readonly composeAddresses: string;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = addInjectOptions(
    newCommand(
      {
        name: "inject",
        summary:
          "Put a sidecar into the pods of Kubernetes manifests, or beside the services of a compose file.",
        examples: [
          [
            "weft inject -f shop.yaml | kubectl apply -f -",
            "what has pods gets sidecars, the rest passes as it is",
          ],
          ["kubectl get deploy web -o yaml | weft inject -f - | kubectl apply -f -", "what runs already"],
          ["weft inject -f shop/ --sidecar-form classic", "for clusters before 1.29"],
          ["weft inject docker-compose.yml > compose.weft.yml", "a compose project, with its control plane"],
        ],
        exits: {
          ok: "done; pods that stay without a sidecar are named on stderr, with the reason",
          failed: "something is wrong; nothing was printed on stdout",
        },
      },
      io,
    ),
  )
    .argument("[files...]", "the same as -f")
    .addOption(filesOption())
    .option("--control-plane <address>", "where sidecars find it", DEFAULT_SETTINGS.controlPlane)
    .option("--trust-domain <name>", "of the mesh's identities", DEFAULT_SETTINGS.trustDomain)
    .option("--compose-config <dir>", "compose: directory of resources", DEFAULT_COMPOSE_SETTINGS.config)
    .addOption(
      new Option("--compose-addresses <a.b.c>", "compose: services get addresses a.b.c.10 and up")
        .default(DEFAULT_COMPOSE_SETTINGS.addresses)
        .argParser((text) => {
          if (isIP(`${text}.1`) === 4) return text;
          throw usageError(`--compose-addresses must be three parts of an address, found "${text}"`);
        }),
    );
  return runCommand(command, argv, io, () => {
    const flags = command.opts<Flags>();
    const settings = injectSettings(flags, flags.controlPlane, flags.trustDomain);
    const { composeConfig: config, composeAddresses: addresses } = flags;
    const files = [...(flags.file ?? []), ...command.args];
    return changeFiles(files, io, flags.json === true, (found) =>
      found.kind === COMPOSE
        ? decideCompose(found.value, { ...settings, config, addresses })
        : decide(found, settings),
    );
  });
}

function decideCompose(value: unknown, settings: ComposeSettings): Outcome {
  const result = injectCompose(value, settings);
  switch (result.kind) {
    case "injected":
      return { action: "injected", patch: result.patch, warnings: result.warnings };
    case "unchanged":
      return { action: "unchanged", detail: "it has a control plane of Weft's already" };
    case "refused":
      return { action: "refused", problems: result.problems };
  }
}

function decide({ value, path, namespace }: FoundPod, settings: InjectSettings): Outcome {
  const result = injectPod(value, settings, { path, ...(namespace === undefined ? {} : { namespace }) });
  switch (result.kind) {
    case "injected": {
      const { patch, warnings, replaced } = result;
      const injected = { action: "injected" as const, patch, warnings };
      return replaced === undefined ? injected : { ...injected, detail: `in place of ${replaced}` };
    }
    case "unchanged":
      return { action: "unchanged", detail: "it has this sidecar already", warnings: result.warnings };
    case "skipped":
      return { action: "skipped", detail: result.reason, warnings: result.warnings };
    case "refused":
    case "malformed":
      return { action: "refused", problems: result.problems };
  }
}
