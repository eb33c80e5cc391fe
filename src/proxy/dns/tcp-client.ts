/**
 * A client's TCP connection (RFC 7766): many questions one after the other or all at once, answered as their answers come. Who asks for
 * more than it reads is not read from, and who says nothing for a while, or not all of it, is closed.
 */
import type net from "node:net";
import type { TimerWheel } from "../net/timer-wheel.ts";
import { Deadline } from "./deadline.ts";
import { Frames, framed } from "./frames.ts";
import { MAX_QUERY_BYTES } from "./packet.ts";

/** From one whole question to the next. */
export const IDLE_MS = 10_000;
/** Questions of one connection that wait for an answer. */
const MAX_WAITING = 32;

export class TcpClient {
  readonly #socket: net.Socket;
  readonly #answer: (message: Buffer) => Promise<Buffer | null>;
  readonly #frames = new Frames();
  readonly #deadline: Deadline;
  #waiting = 0;
  #hasEnded = false;

  constructor(socket: net.Socket, wheel: TimerWheel, answer: (message: Buffer) => Promise<Buffer | null>) {
    this.#socket = socket;
    this.#answer = answer;
    this.#deadline = new Deadline(wheel, IDLE_MS, () => this.close());
    socket.on("error", () => {});
    socket.on("close", () => this.#deadline.end());
    socket.on("data", (chunk: Buffer) => {
      this.#frames.push(chunk);
      this.#take();
    });
    socket.on("drain", () => this.#goOn());
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#goOn();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(): void {
    while (this.#waiting < MAX_WAITING && !this.#socket.writableNeedDrain) {
      const message = this.#frames.next();
      if (message === undefined) return;
      if (message.length > MAX_QUERY_BYTES) {
        this.close();
        return;
      }
      this.#deadline.renew(IDLE_MS);
      this.#waiting++;
      void this.#answer(message).then((answer) => this.#give(answer));
    }
    this.#socket.pause();
  }

  #give(answer: Buffer | null): void {
    this.#waiting--;
    if (this.#socket.destroyed) return;
    if (answer === null) this.close();
    else {
      this.#socket.write(framed(answer));
      this.#goOn();
    }
  }

  #goOn(): void {
    if (this.#socket.destroyed || this.#socket.writableNeedDrain) return;
    this.#take();
    if (this.#waiting >= MAX_WAITING) return;
    if (this.#hasEnded && this.#waiting === 0) this.#socket.end();
    else this.#socket.resume();
  }
}
