/** Becomes lean, then says what it is. */
import { becomeLean } from "../../src/cli/lean.ts";

const { pid } = process;
await becomeLean(
  () => import("../../src/cli/sidecar-flags.ts"),
  () => import("../../src/cli/exit.ts"),
);
const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
process.stdout.write(
  JSON.stringify({
    pid,
    args: process.argv.slice(2),
    flags: process.execArgv,
    arenas: process.env["MALLOC_ARENA_MAX"],
    hasStripper: moduleLoadList?.some((name) => name.includes("deps/amaro")) ?? false,
  }),
);
