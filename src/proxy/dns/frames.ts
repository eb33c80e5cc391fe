/** Messages on a TCP connection: each has its length before it (RFC 1035, 4.2.2), and they come in any pieces. */

const LENGTH_BYTES = 2;

/** A message as it is sent. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

export class Frames {
  #chunks: Buffer[] = [];
  #size = 0;

  /** Takes what has come. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next message, if all of it has come. */
  next(): Buffer | undefined {
    if (this.#size < LENGTH_BYTES) return undefined;
    const end = LENGTH_BYTES + this.#head().readUInt16BE(0);
    if (this.#size < end) return undefined;
    const [first] = this.#chunks;
    const all = first !== undefined && first.length >= end ? first : Buffer.concat(this.#chunks);
    const rest = all === first ? this.#chunks.slice(1) : [];
    this.#chunks = all.length === end ? rest : [all.subarray(end), ...rest];
    this.#size -= end;
    return all.subarray(LENGTH_BYTES, end);
  }

  /** The first piece, with the whole length in it. */
  #head(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= LENGTH_BYTES) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
