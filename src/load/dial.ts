/**
 * Finds the address that a run sends to, once: looking names up for every connection would measure the resolver, and
 * `localhost` may be an address that nobody listens on.
 */
import { lookup } from "node:dns/promises";
import { createConnection, isIP } from "node:net";
import { LoadError } from "./load-error.ts";

/** The first address of `hostname` that takes a connection. Throws a {@link LoadError} `unreachable`. */
export async function findAddress(hostname: string, port: number, timeoutMs: number): Promise<string> {
  if (isIP(hostname) !== 0) return hostname;
  const found = await lookup(hostname, { all: true }).catch((error: NodeJS.ErrnoException) => {
    throw new LoadError("unreachable", [
      `the name ${hostname} cannot be resolved (${error.code ?? error.message})`,
    ]);
  });
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.address;
  const failures: string[] = [];
  for (const { address } of found) {
    const failure = await tryAddress(address, port, timeoutMs);
    if (failure === undefined) return address;
    failures.push(`${address} port ${port}: ${failure}`);
  }
  throw new LoadError("unreachable", [`nothing answers at ${hostname}`, ...failures]);
}

function tryAddress(host: string, port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: timeoutMs, autoSelectFamily: false });
    const end = (failure: string | undefined) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => end(undefined));
    socket.once("timeout", () => end("timed out"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
