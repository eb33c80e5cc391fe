/** undici's pool under `node:http`: the quickest proxy one builds from Node's own parts. */
import { nodePeer } from "./node-program.ts";

export const undici = nodePeer("undici", "undici-server.ts");
