/** `weft control-plane --source kubernetes` as a process, at free ports of this machine. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { keepLog } from "../../harness/process-logs.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const FLAGS = ["--source=kubernetes", "--discovery-port=0", "--api-port=0"];

export interface PlaneProcess {
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  /** Its ports are known. */
  isReady(): boolean;
  ports(): { readonly discoveryPort: number; readonly apiPort: number };
}

/** `kubeconfig`: a file. */
export function startPlane(kubeconfig: string, ...flags: readonly string[]): PlaneProcess {
  let [output, errors] = ["", ""];
  const child = spawn(process.execPath, [MAIN, "control-plane", ...FLAGS, ...flags], {
    env: { ...process.env, KUBECONFIG: kubeconfig, WEFT_CONFIG: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  keepLog("control plane", child);
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString("utf8");
  });
  return {
    child,
    output: () => output,
    errors: () => errors,
    isReady: () => output.includes("\n"),
    ports: () => JSON.parse(output.split("\n")[0] ?? ""),
  };
}

/** Ends it as a machine that fails, if it runs. */
export async function killPlane({ child }: PlaneProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
