/** Which file a command means: what execvp(3) would find, known before anything is started for it. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

export type Found =
  /** `args` to put before the command's own: those of the shell for a script that names no interpreter. */
  | { readonly kind: "found"; readonly file: string; readonly args: readonly string[] }
  | { readonly kind: "missing" }
  | { readonly kind: "notExecutable"; readonly file: string };

const SHELL = "/bin/sh";
/** What the kernel can start: a script with its interpreter, ELF, Mach-O in its forms. */
const MAGIC = ["2321", "7f454c46", "feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "bebafeca"];
const MAGIC_BYTES = 4;

/** `path`: the search path, as in the environment. */
export function findProgram(name: string, path: string, cwd: string): Found {
  if (name === "") return { kind: "missing" };
  const isPath = name.includes("/");
  const files = isPath
    ? [name]
    : path.split(delimiter).map((folder) => join(folder === "" ? "." : folder, name));
  let refused: string | undefined;
  for (const each of files) {
    const file = each.startsWith("/") ? each : join(cwd, each);
    const is = judge(file);
    if (is === "executable") return { kind: "found", file, args: [] };
    if (is === "script") return { kind: "found", file: SHELL, args: [file] };
    if (is === "refused" || (is === "hidden" && isPath)) refused ??= file;
  }
  return refused === undefined ? { kind: "missing" } : { kind: "notExecutable", file: refused };
}

/** `hidden`: in a folder that is not ours to look into. */
function judge(file: string): "absent" | "hidden" | "refused" | "executable" | "script" {
  try {
    if (!statSync(file).isFile()) return "refused";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" ? "hidden" : "absent";
  }
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return "refused";
  }
  return isStartable(file) ? "executable" : "script";
}

/** A file that can be run and not be read is the kernel's matter. */
function isStartable(file: string): boolean {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return true;
  }
  try {
    const head = Buffer.alloc(MAGIC_BYTES);
    readSync(fd, head);
    return MAGIC.some((magic) => head.toString("hex").startsWith(magic));
  } finally {
    closeSync(fd);
  }
}
