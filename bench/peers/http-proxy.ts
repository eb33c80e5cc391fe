/** `http-proxy`, the best known proxy of the Node world (behind many development servers). */
import { nodePeer } from "./node-program.ts";

export const httpProxy = nodePeer("http-proxy", "http-proxy-server.ts");
