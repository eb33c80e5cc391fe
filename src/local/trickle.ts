/**
 * A steady trickle of real requests to one service through its own sidecar, so that a mesh that nobody uses yet has
 * something to show. Open loop: a slow answer doesn't slow the next request down. The numbers on display are the mesh's
 * own; what is counted here is what a client outside of it saw.
 */
import { Agent, request } from "node:http";

export interface TrickleTarget {
  readonly address: string;
  readonly port: number;
  /** Host header. */
  readonly host: string;
  readonly path: string;
}

export interface TrickleCounts {
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
  /** What the latest failure was, e.g. `503` or `ECONNREFUSED`. */
  readonly lastFailure?: string;
}

/** More than this many unanswered requests, and further ones are not sent. */
const MAX_IN_FLIGHT = 64;
const TIMEOUT_MS = 10_000;

export class Trickle {
  readonly #target: TrickleTarget;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_IN_FLIGHT });
  #timer: NodeJS.Timeout | undefined;
  #inFlight = 0;
  #sent = 0;
  #succeeded = 0;
  #failed = 0;
  #lastFailure: string | undefined;
  #idle: (() => void) | undefined;

  constructor(target: TrickleTarget) {
    this.#target = target;
  }

  /** Sends `perSecond` requests a second until `stop`. */
  start(perSecond: number): void {
    this.#timer = setInterval(() => this.#send(), 1_000 / perSecond);
  }

  /** Sends no more and waits for the answers still owed, at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    if (this.#inFlight > 0) {
      const deadline = setTimeout(() => this.#agent.destroy(), graceMs);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      clearTimeout(deadline);
    }
    this.#agent.destroy();
  }

  get counts(): TrickleCounts {
    const counts = { sent: this.#sent, succeeded: this.#succeeded, failed: this.#failed };
    return this.#lastFailure === undefined ? counts : { ...counts, lastFailure: this.#lastFailure };
  }

  #send(): void {
    if (this.#inFlight >= MAX_IN_FLIGHT) return;
    this.#inFlight += 1;
    this.#sent += 1;
    const { address, port, host, path } = this.#target;
    let failure: string | undefined = "no answer";
    const fail = (error: Error) => {
      failure = describe(error);
    };
    const outgoing = request(
      { agent: this.#agent, host: address, port, path, headers: { host }, timeout: TIMEOUT_MS },
      (response) => {
        const status = response.statusCode ?? 0;
        response.on("error", fail);
        response.on("end", () => {
          failure = status < 400 ? undefined : String(status);
        });
        response.resume();
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", fail);
    outgoing.on("close", () => this.#record(failure));
    outgoing.end();
  }

  #record(failure: string | undefined): void {
    if (failure === undefined) {
      this.#succeeded += 1;
    } else {
      this.#failed += 1;
      this.#lastFailure = failure;
    }
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#idle?.();
  }
}

function describe(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
