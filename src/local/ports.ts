/**
 * Free loopback ports, chosen before anything starts: addresses go into configuration and environments, so they must be
 * known first and stay the same when a process is restarted. Each port is held open until the moment its owner starts,
 * and lies below the range from which the system takes ports for outgoing connections and for port 0, so nobody is
 * handed it in between by accident.
 */
import { createServer, type Server } from "node:net";

/** Linux's default for automatic ports begins at 32,768; below 20,000 too many well-known services live. */
const FIRST = 20_000;
const LAST = 32_767;
const MAX_TRIES = 200;

/** Ports held for processes that have not started yet. */
export class HeldPorts {
  readonly #held = new Map<string, Server>();

  /** Chooses and holds a free TCP port on `address`. */
  async hold(address: string): Promise<number> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
      const server = await listen(address, port);
      if (server !== undefined) {
        this.#held.set(`${address}:${port}`, server);
        return port;
      }
    }
    throw new Error(`no free TCP port between ${FIRST} and ${LAST} on ${address}`);
  }

  /** Lets go of ports whose owner starts now. Ports that are not held are ignored. */
  async release(address: string, ports: readonly number[]): Promise<void> {
    await Promise.all(
      ports.map((port) => {
        const key = `${address}:${port}`;
        const server = this.#held.get(key);
        this.#held.delete(key);
        return server === undefined ? undefined : close(server);
      }),
    );
  }

  /** Lets go of all. */
  async releaseAll(): Promise<void> {
    const servers = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(servers.map(close));
  }
}

/** Whether nobody listens on the port now. */
export async function isFree(address: string, port: number): Promise<boolean> {
  const server = await listen(address, port);
  if (server === undefined) return false;
  await close(server);
  return true;
}

/** A listener, or undefined where the port is taken. Throws where the address is not ours. */
function listen(address: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen({ host: address, port, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
