/**
 * A listening port of a traffic loop. Each accepted connection is handed on raw; what it speaks is decided above.
 */
import net from "node:net";

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Several loops share the port and the kernel spreads connections over them (Linux SO_REUSEPORT). */
  readonly reusePort: boolean;
}

export type Accept = (socket: net.Socket, server: net.Server) => void;

export class Listener {
  readonly #server: net.Server;
  port = 0;

  constructor(accept: Accept) {
    // Half-open and paused: the connection is taken over before anything is read (net/tcp-connection.ts).
    this.#server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    this.#server.on("connection", (socket) => accept(socket, this.#server));
  }

  /** Opens the port. Rejects with the system's error when it cannot be had. */
  listen(options: ListenOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ ...options, backlog: 1_024 }, () => {
        this.#server.removeListener("error", reject);
        // EMFILE and the like come as events; the kernel's queue holds the client until descriptors are free again.
        this.#server.on("error", () => {});
        const address = this.#server.address();
        if (address !== null && typeof address === "object") this.port = address.port;
        resolve(this.port);
      });
    });
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#server.close();
  }
}
