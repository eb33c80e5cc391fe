/**
 * Lines out of the chunks of a watch. A line is an object of the cluster, at most some megabytes: one that is longer than
 * `maxBytes` is told of instead of being gathered. What stands after the last line break when a connection breaks is no
 * line, and is dropped.
 */
const NEWLINE = 0x0a;

export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;
  #parts: Buffer[] = [];
  #length = 0;

  /** @param onTooLong called at most once for each line; nothing more of that line is kept. */
  constructor(maxBytes: number, onLine: (line: string) => void, onTooLong: () => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#gather(chunk.subarray(from, at));
      this.#end();
      from = at + 1;
    }
    if (from < chunk.length) this.#gather(chunk.subarray(from));
  }

  #gather(part: Buffer): void {
    const before = this.#length;
    this.#length += part.length;
    if (this.#length <= this.#maxBytes) {
      this.#parts.push(part);
      return;
    }
    this.#parts = [];
    if (before <= this.#maxBytes) this.#onTooLong();
  }

  #end(): void {
    const isWhole = this.#length <= this.#maxBytes && this.#length > 0;
    const [first] = this.#parts;
    const line = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    if (isWhole) this.#onLine(line.toString("utf8"));
  }
}
