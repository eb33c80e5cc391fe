/**
 * Strict DER (X.690 §10) for what certificates and certificate requests are made of: definite lengths in their shortest
 * form, tags below 31, nothing after the end. It never recurses: each caller descends as far as the structure that it
 * expects goes, so nesting costs nothing, and what nobody reads is skipped whole. Why not a library: decisions/0005.
 */

/** Tags that X.509 and PKCS #10 use. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]`, with content of its own or as a replacement of a primitive tag. */
export const context = (n: number, isConstructed: boolean): number => 0x80 | (isConstructed ? 0x20 : 0) | n;

/** Thrown by the reader; functions that read untrusted bytes catch it and answer with a value. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** Reads one level of elements, front to back. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The tag that comes next, -1 at the end. */
  get tag(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  /** The content of the next element, which must have this tag. */
  content(tag: number): Uint8Array {
    if (this.tag !== tag) throw new DerError(`tag ${this.tag} where ${tag} belongs`);
    return this.#next().content;
  }

  /** A reader of the next element, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.content(tag));
  }

  /** The next element if it has this tag. */
  optional(tag: number): DerReader | undefined {
    return this.tag === tag ? this.enter(tag) : undefined;
  }

  /** The next element as it stands, head included; `tag` is checked where given. */
  element(tag?: number): Uint8Array {
    if (tag !== undefined && this.tag !== tag) throw new DerError(`tag ${this.tag} where ${tag} belongs`);
    return this.#next().whole;
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (!this.isAtEnd) throw new DerError("bytes after the end");
  }

  #next(): { readonly whole: Uint8Array; readonly content: Uint8Array } {
    const start = this.#at;
    const tag = this.#byte(start);
    if ((tag & 0x1f) === 0x1f) throw new DerError("long tag");
    let at = start + 1;
    let length = this.#byte(at++);
    if (length >= 0x80) {
      const count = length & 0x7f;
      // Three bytes reach 16 MiB, far above every size limit of the callers.
      if (count === 0 || count > 3) throw new DerError("indefinite or oversize length");
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte(at++);
      if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("length not in its shortest form");
    }
    if (at + length > this.#bytes.length) throw new DerError("cut short");
    this.#at = at + length;
    return {
      whole: this.#bytes.subarray(start, this.#at),
      content: this.#bytes.subarray(at, this.#at),
    };
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new DerError("cut short");
    return byte;
  }
}
