/**
 * `node:http`, without what an import of it costs. An `import` of a built-in module reads each of its exports, and
 * some of node:http's are getters that load undici and node:http2: 7 MB of anonymous memory that nobody uses.
 * `getBuiltinModule` reads none (docs/decisions/0004-sidecar-memory.md).
 */
import type * as Http from "node:http";

export type { IncomingMessage, Server, ServerResponse } from "node:http";

export const http: typeof Http = process.getBuiltinModule("node:http");
