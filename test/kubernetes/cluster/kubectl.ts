/** kubectl as a person runs it: arguments and input in, what it printed out. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { programPath } from "./programs.ts";

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Kubectl {
  /** Rejects with what it said where it fails. */
  (...args: readonly string[]): Promise<string>;
  /** With `input` on stdin. */
  given(input: string, ...args: readonly string[]): Promise<string>;
  /** Whatever comes of it. */
  tried(input: string, ...args: readonly string[]): Promise<Said>;
}

const TIMEOUT_MS = 60_000;

export function kubectlWith(kubeconfig: string, home: string): Kubectl {
  const tried = async (input: string, ...args: readonly string[]): Promise<Said> => {
    const child = spawn(programPath("kubectl"), args, {
      stdio: "pipe",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
      env: { KUBECONFIG: kubeconfig, HOME: home, PATH: process.env["PATH"] },
    });
    child.stdin.on("error", () => {}).end(input);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    return { code: code ?? 1, stdout, stderr };
  };
  const given = async (input: string, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await tried(input, ...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}${stdout}`);
    return stdout;
  };
  return Object.assign((...args: readonly string[]) => given("", ...args), { given, tried });
}
