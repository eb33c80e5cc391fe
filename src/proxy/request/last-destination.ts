/** Where the authority of a connection's last request led: nearly always the next one's leads there again. */
import { splitAuthority } from "../http/authority.ts";
import type { Head } from "../http/head.ts";
import type { Destination, ListenerContext } from "./listener-context.ts";

export class LastDestination {
  #authority: Buffer = Buffer.alloc(0);
  #destination: Destination | null = null;
  #generation = -1;

  /** By the head's authority, looked up anew when it is another or the listener's tables have changed. */
  find(listener: ListenerContext, head: Head): Destination {
    const { buf, authorityStart: start, authorityEnd: end } = head;
    const last = this.#authority;
    if (
      this.#destination !== null &&
      this.#generation === listener.generation &&
      last.length === end - start
    ) {
      let i = 0;
      while (i < last.length && buf[start + i] === last[i]) i++;
      if (i === last.length) return this.#destination;
    }
    const destination = listener.find(splitAuthority(head.authority()));
    if (destination.kind === "wait") return destination;
    this.#authority = Buffer.from(buf.subarray(start, end));
    this.#destination = destination;
    this.#generation = listener.generation;
    return destination;
  }

  forget(): void {
    this.#generation = -1;
  }
}
