/**
 * A message head as offsets into the bytes it came in. One instance per connection is filled again for every
 * message: nothing is allocated, and a string exists only once something asks for it.
 */
import { equalsFolded, OTHER } from "./fields.ts";

const FIELD_SLOTS = 4;
/** A connection has room for so many from the start, and for more once it has seen more: thousands may be idle. */
const USUAL_FIELDS = 16;

export class Head {
  buf: Buffer = EMPTY;
  start = 0;
  /** After the empty line. */
  end = 0;

  /** Request: the method. Response: unused. */
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Origin-form part of the target: for absolute-form what follows the authority. `[pathStart, targetEnd)`. */
  pathStart = 0;
  /** Authority that decides: the target's in absolute-form and CONNECT, else Host's; both 0 when there is none. */
  authorityStart = 0;
  authorityEnd = 0;
  /** The first line's end, at its CR. */
  lineEnd = 0;

  status = 0;
  /** 0 or 1 of HTTP/1.x. */
  minorVersion = 1;
  /** -1: not stated. */
  contentLength = -1;
  isChunked = false;
  /** The `Connection` field, or the version's default, keeps the connection open. */
  keepAlive = true;
  /** Fields that a `Connection` field names beside `close`, `keep-alive` and `upgrade`. */
  hasNominated = false;
  hasConnectionUpgrade = false;
  /** Bit set of the field ids that occur. */
  seen = 0;
  fieldCount = 0;
  readonly maxFields: number;
  offsets: Int32Array;
  ids: Uint8Array;

  constructor(maxFields: number) {
    const fields = Math.min(USUAL_FIELDS, maxFields);
    this.maxFields = maxFields;
    this.offsets = new Int32Array(fields * FIELD_SLOTS);
    this.ids = new Uint8Array(fields);
  }

  reset(buf: Buffer, start: number): void {
    this.buf = buf;
    this.start = start;
    this.authorityStart = 0;
    this.authorityEnd = 0;
    this.contentLength = -1;
    this.isChunked = false;
    this.keepAlive = true;
    this.hasNominated = false;
    this.hasConnectionUpgrade = false;
    this.seen = 0;
    this.fieldCount = 0;
    this.status = 0;
  }

  has(id: number): boolean {
    return (this.seen & (1 << id)) !== 0;
  }

  nameStart(field: number): number {
    return this.offsets[field * FIELD_SLOTS]!;
  }
  nameEnd(field: number): number {
    return this.offsets[field * FIELD_SLOTS + 1]!;
  }
  valueStart(field: number): number {
    return this.offsets[field * FIELD_SLOTS + 2]!;
  }
  valueEnd(field: number): number {
    return this.offsets[field * FIELD_SLOTS + 3]!;
  }

  /** Index of the first field with this id at or after `from`, or -1. */
  find(id: number, from = 0): number {
    for (let field = from; field < this.fieldCount; field++) if (this.ids[field] === id) return field;
    return -1;
  }

  /** Index of the first field with this name (lower case) at or after `from`, or -1. */
  findName(lower: Uint8Array, from = 0): number {
    for (let field = from; field < this.fieldCount; field++) {
      if (equalsFolded(this.buf, this.nameStart(field), this.nameEnd(field), lower)) return field;
    }
    return -1;
  }

  value(field: number): string {
    return this.buf.toString("latin1", this.valueStart(field), this.valueEnd(field));
  }
  method(): string {
    return this.buf.toString("latin1", this.start, this.methodEnd);
  }
  /** Path and query as they are forwarded. */
  path(): string {
    return this.pathStart === this.targetEnd
      ? "/"
      : this.buf.toString("latin1", this.pathStart, this.targetEnd);
  }
  authority(): string {
    return this.buf.toString("latin1", this.authorityStart, this.authorityEnd);
  }

  /** Records a field; its id is set with it. The caller checks `maxFields`. */
  addField(id: number, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    if (this.fieldCount === this.ids.length) this.#grow();
    const at = this.fieldCount * FIELD_SLOTS;
    this.offsets[at] = nameStart;
    this.offsets[at + 1] = nameEnd;
    this.offsets[at + 2] = valueStart;
    this.offsets[at + 3] = valueEnd;
    this.ids[this.fieldCount++] = id;
    if (id !== OTHER) this.seen |= 1 << id;
  }

  #grow(): void {
    const fields = Math.min(2 * this.ids.length, this.maxFields);
    const { offsets, ids } = this;
    this.offsets = new Int32Array(fields * FIELD_SLOTS);
    this.offsets.set(offsets);
    this.ids = new Uint8Array(fields);
    this.ids.set(ids);
  }

  /**
   * The same head over a private copy of its bytes, for a request that has to wait; or over a copy that was made while the bytes
   * were still there. A copy is not to be read anew: within the target bytes of its former spelling may be left over.
   */
  detach(bytes: Buffer = Buffer.from(this.buf.subarray(this.start, this.end))): void {
    const shift = this.start;
    this.buf = bytes;
    this.start = 0;
    this.end -= shift;
    this.methodEnd -= shift;
    this.targetStart -= shift;
    this.targetEnd -= shift;
    this.pathStart -= shift;
    this.authorityStart -= shift;
    this.authorityEnd -= shift;
    this.lineEnd -= shift;
    for (let i = 0; i < this.fieldCount * FIELD_SLOTS; i++) this.offsets[i]! -= shift;
  }
}

const EMPTY = Buffer.alloc(0);
