/**
 * `node:http` and `node:http2`, fetched at first use: an `import` of them costs a sidecar without health checks megabytes
 * (docs/decisions/0004-sidecar-memory.md).
 */

export function http(): typeof import("node:http") {
  return process.getBuiltinModule("node:http");
}

export function http2(): typeof import("node:http2") {
  return process.getBuiltinModule("node:http2");
}
