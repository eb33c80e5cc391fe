/** Buffers that frames are gathered in: one for each connection with something to send, and only until it is sent. */
import { HEADER_BYTES, MAX_PAYLOAD } from "./frame.ts";

/** Four full frames. */
const OUTPUT_BYTES = 4 * (HEADER_BYTES + MAX_PAYLOAD);
const SPARE = 16;

const spare: Buffer[] = [];

export function outputBuffer(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_BYTES);
}

export function releaseOutput(buf: Buffer): void {
  if (spare.length < SPARE) spare.push(buf);
}
