/** `weft load` as a process of its own, without the other commands. */
import { processIo } from "../../src/cli/io.ts";
import { run } from "../../src/cli/load.ts";

process.exitCode = await run(process.argv.slice(2), processIo());
