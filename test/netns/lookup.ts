/** `node lookup.ts NAME…`: what programs of the pod get for names, by getaddrinfo: a JSON line of addresses, or of the error's code, by name. */
import { lookup } from "node:dns/promises";

const found: Record<string, unknown> = {};
const started = performance.now();
for (const name of process.argv.slice(2)) {
  found[name] = await lookup(name, { all: true, order: "ipv4first" }).then(
    (all) => all.map(({ address }) => address),
    (error: NodeJS.ErrnoException) => error.code,
  );
}
console.log(JSON.stringify({ found, ms: Math.round(performance.now() - started) }));
