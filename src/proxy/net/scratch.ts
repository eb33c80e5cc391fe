/**
 * Where outgoing heads are built: one buffer for the whole loop, used again as soon as the kernel has taken what was
 * written from it, and given away when it has not.
 */
import { READ_BYTES } from "./tcp-connection.ts";
import type { Transport } from "./transport.ts";

/** A whole read behind an edited head. */
const SCRATCH_BYTES = READ_BYTES * 2 + 16_384;

export class Scratch {
  buf: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

  /** Makes room for `more` bytes behind `buf[0, used)`, which stay: for limits and edits beyond the usual. */
  reserve(used: number, more: number): void {
    if (used + more <= this.buf.length) return;
    const larger = Buffer.allocUnsafeSlow(used + more);
    this.buf.copy(larger, 0, 0, used);
    this.buf = larger;
  }

  /** Writes `buf[0, length)`; false when it was queued. */
  send(to: Transport, length: number): boolean {
    const isTaken = to.write(this.buf.subarray(0, length));
    if (!isTaken && to.keeps) this.buf = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    return isTaken;
  }
}
