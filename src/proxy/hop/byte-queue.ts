/**
 * Bytes that wait, copied into blocks: thousands of small pieces cost what their bytes cost, and a block serves again, because
 * memory of this size is dear to allocate and to collect.
 */

/** About what a socket gives at a time; frames do not go across the end of a block. */
const BLOCK_BYTES = 65_536;
/** Blocks kept for the next queues: 1 MiB. */
const MAX_SPARE = 16;
const spare: Buffer[] = [];

export class ByteQueue {
  readonly #blocks: Buffer[] = [];
  /** Used of the last block. */
  #tail = 0;
  /** Gone from the first one. */
  #head = 0;
  length = 0;

  push(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      let block = this.#blocks.at(-1);
      if (block === undefined || this.#tail === BLOCK_BYTES) {
        block = spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
        this.#blocks.push(block);
        this.#tail = 0;
      }
      const count = Math.min(BLOCK_BYTES - this.#tail, end - at);
      block.set(bytes.subarray(at, at + count), this.#tail);
      this.#tail += count;
      at += count;
    }
    this.length += end - start;
  }

  /** The first bytes, as many as lie together; empty when there are none. Until the next `skip`. */
  first(): Buffer {
    const block = this.#blocks[0];
    if (block === undefined) return EMPTY;
    return block.subarray(this.#head, this.#blocks.length === 1 ? this.#tail : BLOCK_BYTES);
  }

  /** Forgets `count` of what `first` gave. */
  skip(count: number): void {
    this.#head += count;
    this.length -= count;
    if (this.#head < (this.#blocks.length === 1 ? this.#tail : BLOCK_BYTES)) return;
    this.#head = 0;
    const block = this.#blocks.shift();
    if (block !== undefined && spare.length < MAX_SPARE) spare.push(block);
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#tail = 0;
    this.#head = 0;
    this.length = 0;
  }
}

const EMPTY = Buffer.alloc(0);
