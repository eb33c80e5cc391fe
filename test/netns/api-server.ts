/**
 * A cluster's API server inside of a pod: `node api-server.ts OBJECTS`, a file with objects by the path of their list. It says its URL when
 * it listens, and puts what comes on standard input: `{"path": …, "object": …}`, a line each.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { ApiObject } from "../kubernetes/source/api-objects.ts";
import { newCluster } from "../kubernetes/source/cluster.ts";

const server = newCluster();
const objects = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Record<string, ApiObject[]>;
for (const [path, list] of Object.entries(objects)) for (const object of list) server.put(path, object);
await server.listen();
console.log(server.url);
createInterface(process.stdin).on("line", (line) => {
  const { path, object } = JSON.parse(line) as { path: string; object: ApiObject };
  server.put(path, object);
});
