/** `weft sidecar` with a control plane in memory that has both listeners ready. */
import { processIo } from "../../src/cli/io.ts";
import { sidecarCommand } from "../../src/cli/sidecar-process.ts";
import { InMemoryDiscovery } from "./in-memory-discovery.ts";
import { listeners } from "./resources.ts";

const discovery = new InMemoryDiscovery();
discovery.set("listener", ...listeners(1));
const source = { load: () => Promise.resolve(), open: () => Promise.resolve({ connect: discovery.connect }) };
const command = sidecarCommand({ controlPlane: () => source, config: () => source });
process.exitCode = await command(process.argv.slice(2), processIo());
