/**
 * Bytes that wait, copied into blocks: thousands of small pieces cost what their bytes cost.
 */

const BLOCK_BYTES = 4_096;

export class ByteQueue {
  #blocks: Buffer[] = [];
  /** Used of the last block. */
  #tail = 0;
  /** Gone from the first one. */
  #head = 0;
  length = 0;

  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    const last = this.#blocks.at(-1);
    if (last !== undefined) at += this.#fill(last, bytes, at, end);
    if (at < end) {
      const block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, end - at));
      this.#blocks.push(block);
      this.#tail = 0;
      this.#fill(block, bytes, at, end);
    }
    this.length += end - start;
  }

  #fill(block: Buffer, bytes: Uint8Array, start: number, end: number): number {
    const count = Math.min(block.length - this.#tail, end - start);
    block.set(bytes.subarray(start, start + count), this.#tail);
    this.#tail += count;
    return count;
  }

  /** The first bytes, as many as lie together; empty when there are none. Valid also after `skip`. */
  first(): Buffer {
    const block = this.#blocks[0];
    if (block === undefined) return EMPTY;
    return block.subarray(this.#head, this.#blocks.length === 1 ? this.#tail : block.length);
  }

  /** Forgets `count` of the first bytes. */
  skip(count: number): void {
    this.#head += count;
    this.length -= count;
    const block = this.#blocks[0];
    const end = this.#blocks.length === 1 ? this.#tail : (block?.length ?? 0);
    if (this.#head < end) return;
    this.#blocks.shift();
    this.#head = 0;
    if (this.#blocks.length === 0) this.#tail = 0;
  }

  clear(): void {
    this.#blocks = [];
    this.#tail = 0;
    this.#head = 0;
    this.length = 0;
  }
}

const EMPTY = Buffer.alloc(0);
