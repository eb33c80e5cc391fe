/**
 * Connections whose other end has not proven who it is: bounded in number, so that nobody keeps sidecars from enrolling by opening
 * many and saying nothing. When there are too many, one that has had its time makes room; if none has, the newest goes.
 */
import type { Socket } from "node:net";

/** Of a port; each costs up to 100 kB. */
export const MAX_STRANGERS = 2_048;
/** An enrolment takes milliseconds. */
const PATIENCE_MS = 1_000;
/** From the connection to the end of its handshake; Node's own limit begins anew with each byte. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long a connection may live whose other end has shown no certificate. */
const STRANGER_LIFE_MS = 30_000;

interface Stranger {
  readonly socket: Socket;
  readonly since: number;
  timer: NodeJS.Timeout;
}

type Ends = Pick<Socket, "remoteAddress" | "remotePort">;

export class Strangers {
  readonly #max: number;
  readonly #now: () => number;
  /** In order of arrival. */
  readonly #open = new Map<string, Stranger>();

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(max = MAX_STRANGERS, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#now = now;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A connection, before anything was said on it. */
  add(socket: Socket): void {
    const key = keyOf(socket);
    const now = this.#now();
    const stranger = { socket, since: now, timer: setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS) };
    this.#open.set(key, stranger);
    socket.once("close", () => {
      clearTimeout(stranger.timer);
      if (this.#open.get(key) === stranger) this.#open.delete(key);
    });
    if (this.#open.size <= this.#max) return;
    const [oldest] = this.#open.values();
    const goes = oldest !== undefined && now - oldest.since > PATIENCE_MS ? oldest.socket : socket;
    this.#open.delete(keyOf(goes));
    goes.destroy();
  }

  /** The handshake is complete, and the other end has shown no certificate that counts. */
  shaken(socket: Ends): void {
    const stranger = this.#open.get(keyOf(socket));
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    stranger.timer = setTimeout(() => stranger.socket.destroy(), STRANGER_LIFE_MS);
  }

  /** The other end has proven who it is. `socket` may be TLS over the one that was added. */
  known(socket: Ends): void {
    const key = keyOf(socket);
    clearTimeout(this.#open.get(key)?.timer);
    this.#open.delete(key);
  }
}

function keyOf({ remoteAddress, remotePort }: Ends): string {
  return `${remoteAddress} ${remotePort}`;
}
