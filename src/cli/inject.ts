/** `weft inject`: manifests with a sidecar in every pod, made without a cluster by what the admission webhook uses, too. */
import { injectPod } from "../inject/inject.ts";
import type { FoundPod } from "../inject/manifest.ts";
import { DEFAULT_SETTINGS, type InjectSettings } from "../inject/settings.ts";
import { newCommand, runCommand } from "./command.ts";
import { changeFiles, filesOption, type Outcome } from "./inject-files.ts";
import { addInjectOptions, type InjectFlags, injectSettings } from "./inject-settings.ts";
import type { Io } from "./io.ts";

interface Flags extends InjectFlags {
  readonly file?: readonly string[];
  readonly controlPlane: string;
  readonly trustDomain: string;
  readonly json?: boolean;
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = addInjectOptions(
    newCommand(
      {
        name: "inject",
        summary: "Put a sidecar into the pods of Kubernetes manifests.",
        examples: [
          [
            "weft inject -f shop.yaml | kubectl apply -f -",
            "what has pods gets sidecars, the rest passes as it is",
          ],
          ["kubectl get deploy web -o yaml | weft inject -f - | kubectl apply -f -", "what runs already"],
          ["weft inject -f shop/ --sidecar-form classic", "for clusters before 1.29"],
        ],
        exits: {
          ok: "done; pods that stay without a sidecar are named on stderr, with the reason",
          failed: "something is wrong; nothing was printed on stdout",
        },
      },
      io,
    ),
  )
    .addOption(filesOption())
    .option("--control-plane <address>", "where sidecars find it", DEFAULT_SETTINGS.controlPlane)
    .option("--trust-domain <name>", "of the mesh's identities", DEFAULT_SETTINGS.trustDomain);
  return runCommand(command, argv, io, () => {
    const flags = command.opts<Flags>();
    const settings = injectSettings(flags, flags.controlPlane, flags.trustDomain);
    return changeFiles(flags.file ?? [], io, flags.json === true, (pod) => decide(pod, settings));
  });
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
