/** What is kept of a response while it passes, up to a bound: its status, some headers, its body without chunks. */
import type { Head } from "../http/head.ts";
import { type BodyReader, BY_CHUNKS } from "../http1/body.ts";
import { ChunkedBody } from "../http1/chunked-body.ts";
import type { ResponseSample } from "../mirrors/sample.ts";
import type { ComparisonPlan } from "../routing/comparison-plan.ts";

const CONTENT_ENCODING = Buffer.from("content-encoding", "latin1");
const MIN_BYTES = 1_024;
/** Characters of a header's value. */
const MAX_VALUE = 4_096;
const EMPTY = Buffer.alloc(0);

export class ResponseCopy {
  readonly #plan: ComparisonPlan;
  #status = 0;
  #headers: readonly (string | null)[] = [];
  #encoding = "";
  /** Null: nothing more is kept. */
  #body: Buffer | null = EMPTY;
  #length = 0;
  /** Null: the bytes that come are the body itself. */
  #chunks: ChunkedBody | null = null;

  constructor(plan: ComparisonPlan) {
    this.#plan = plan;
    if (plan.maxBodyBytes === 0) this.#body = null;
  }

  /** A final response begins. `keepsFraming`: a chunked body comes with its chunks. */
  begin(head: Head, body: BodyReader, keepsFraming: boolean): void {
    const { headers, maxBodyBytes } = this.#plan;
    this.#status = head.status;
    this.#headers = headers.map((name) => fieldValue(head, name));
    if (this.#body === null) return;
    this.#encoding = fieldValue(head, CONTENT_ENCODING) ?? "";
    if (body.remaining > maxBodyBytes) this.drop();
    else if (keepsFraming && body.framing === BY_CHUNKS) {
      this.#chunks = new ChunkedBody();
      this.#chunks.reset(false);
    }
  }

  /** More of the body; it is copied. */
  add(buf: Buffer, start: number, end: number): void {
    if (this.#body === null || end === start) return;
    if (this.#chunks === null) {
      this.#append(buf, start, end);
      return;
    }
    // The framing is cut out in place, and these bytes are on their way to the client.
    const bytes = Buffer.from(buf.subarray(start, end));
    if (this.#chunks.scan(bytes, 0, bytes.length) < 0) this.drop();
    else this.#append(bytes, 0, this.#chunks.outputEnd);
  }

  #append(buf: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    const { maxBodyBytes } = this.#plan;
    if (length > maxBodyBytes) {
      this.drop();
      return;
    }
    let body = this.#body!;
    if (length > body.length) {
      const size = Math.min(maxBodyBytes, Math.max(MIN_BYTES, length, body.length * 2));
      const larger = Buffer.allocUnsafeSlow(size);
      body.copy(larger, 0, 0, this.#length);
      body = larger;
      this.#body = larger;
    }
    buf.copy(body, this.#length, start, end);
    this.#length = length;
  }

  /** Nothing more of the body is kept, nor what was. */
  drop(): void {
    this.#body = null;
    this.#chunks = null;
  }

  /** `ownStatus`: of an answer of Weft's own, where no other has begun. */
  sample(ownStatus = 0): ResponseSample {
    const isOwn = this.#status === 0;
    return {
      status: isOwn ? ownStatus : this.#status,
      headers: this.#headers,
      encoding: this.#encoding,
      body: this.#body === null ? null : this.#body.subarray(0, this.#length),
      isOwn,
    };
  }
}

/** All values of a field as one; null: there is none of this name. */
function fieldValue(head: Head, name: Buffer): string | null {
  let value: string | null = null;
  for (let field = head.findName(name); field >= 0; field = head.findName(name, field + 1)) {
    value = value === null ? head.value(field) : `${value}, ${head.value(field)}`;
  }
  return value === null ? null : value.slice(0, MAX_VALUE);
}
