/** `weft uninject`: manifests as they were before `weft inject`. */
import { COMPOSE, type FoundPod } from "../inject/manifest.ts";
import { uninjectPod } from "../inject/uninject.ts";
import { newCommand, runCommand } from "./command.ts";
import { changeFiles, filesOption, type Outcome } from "./inject-files.ts";
import type { Io } from "./io.ts";

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand(
    {
      name: "uninject",
      summary: "Take the sidecars out of the pods of Kubernetes manifests.",
      examples: [
        ["weft uninject -f injected.yaml", "as it was before weft inject"],
        ["kubectl get deploy web -o yaml | weft uninject -f - | kubectl apply -f -", "what runs already"],
      ],
      exits: { ok: "done", failed: "something is wrong; nothing was printed on stdout" },
    },
    io,
  ).addOption(filesOption());
  return runCommand(command, argv, io, () => {
    const { file = [], json } = command.opts<{ file?: readonly string[]; json?: boolean }>();
    return changeFiles(file, io, json === true, decide);
  });
}

function decide({ kind, value, path }: FoundPod): Outcome {
  if (kind === COMPOSE)
    return { action: "skipped", detail: "a compose file is taken back by using the one before" };
  const result = uninjectPod(value, path);
  switch (result.kind) {
    case "restored":
      return { action: "restored", patch: result.patch };
    case "unchanged":
      return { action: "unchanged", detail: "it has no sidecar of Weft's" };
    case "skipped":
      return { action: "skipped", detail: result.reason };
    case "malformed":
      return { action: "refused", problems: result.problems };
  }
}
