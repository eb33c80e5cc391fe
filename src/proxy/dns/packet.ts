/**
 * DNS messages as the proxy sees them (RFC 1035, 6891). The library reads and writes them; here is what it is trusted with: only
 * questions of at most 4 KiB with the sections that questions have, and of what resolvers answer only what is looked at. Anything it
 * throws at is no message.
 */
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  CHECKING_DISABLED,
  type DecodedPacket,
  DNSSEC_OK,
  decode,
  encode,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
} from "dns-packet";

export const HEADER_BYTES = 12;
/** Longest question; of real ones nearly all are under 100 bytes. */
export const MAX_QUERY_BYTES = 4_096;
/** Longest answer that fits without EDNS into UDP. */
const MIN_UDP_BYTES = 512;
/** Longest that a datagram of IPv4 holds. */
const MAX_UDP_BYTES = 65_507;
/** Longest of all messages: by TCP two bytes say how long one is. */
const MAX_BYTES = 65_535;
/** What the proxy takes by UDP itself, which resolvers may know (DNS flag day 2020). */
const OWN_UDP_BYTES = 1_232;
const MAX_NAME_BYTES = 255;
const RESPONSE = 0x80;
const TRUNCATED = 0x02;

export const RCODE = { ok: 0, malformed: 1, failed: 2, noName: 3, notImplemented: 4 } as const;
export const TYPE = { a: 1, soa: 6, ptr: 12, aaaa: 28, srv: 33, ixfr: 251, axfr: 252, any: 255 } as const;
const CLASS_INTERNET = 1;

export interface Query {
  readonly bytes: Buffer;
  readonly id: number;
  /** As it was asked, without a dot at the end; `.`: the root. */
  readonly name: string;
  readonly type: number;
  /** Class IN, and a name of ordinary characters, which the library writes as it was read. */
  readonly isPlain: boolean;
  /** Section of the question, in bytes. */
  readonly question: Buffer;
  readonly asked: Question;
  readonly flags: number;
  readonly edns: { readonly size: number; readonly isSecured: boolean } | null;
}

export type Reading =
  | { readonly kind: "query"; readonly query: Query }
  /** Nothing that could be answered without harm. */
  | { readonly kind: "ignore" }
  | { readonly kind: "refuse"; readonly answer: Buffer };

/** Reads what a client has sent. Never throws. */
export function readQuery(bytes: Buffer): Reading {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt8(2) & RESPONSE) !== 0) return { kind: "ignore" };
  if ((bytes.readUInt8(2) >> 3) & 15) return refuse(bytes, RCODE.notImplemented);
  const [questions, answers, authorities, additionals] = counts(bytes);
  const hasShape = questions === 1 && answers === 0 && authorities === 0 && (additionals ?? 0) <= 2;
  if (!hasShape || bytes.length > MAX_QUERY_BYTES) return refuse(bytes, RCODE.malformed);
  const question = questionOf(bytes);
  const packet = read(bytes);
  const [asked] = packet?.questions ?? [];
  if (question === null || packet === null || asked === undefined) return refuse(bytes, RCODE.malformed);
  const type = question.readUInt16BE(question.length - 4);
  if (type === TYPE.axfr || type === TYPE.ixfr) return refuse(bytes, RCODE.notImplemented);
  const opt = packet.additionals?.find((record) => record.type === "OPT");
  const query: Query = {
    ...{ bytes, id: bytes.readUInt16BE(0), name: asked.name, type, question, asked },
    isPlain:
      question.readUInt16BE(question.length - 2) === CLASS_INTERNET &&
      encode({ questions: [asked] })
        .subarray(HEADER_BYTES)
        .equals(question),
    flags: packet.flags ?? 0,
    edns:
      opt === undefined
        ? null
        : { size: Math.max(MIN_UDP_BYTES, opt.udpPayloadSize), isSecured: (opt.flags & DNSSEC_OK) !== 0 },
  };
  if (opt === undefined || opt.ednsVersion === 0) return { kind: "query", query };
  return query.isPlain ? { kind: "refuse", answer: wrongVersion(query) } : refuse(bytes, RCODE.malformed);
}

export interface Reply {
  /** Who says it is not who knows it. Default: it is. */
  readonly isSecondHand?: true;
  readonly rcode?: number;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** For a plain question. Throws where a record can't be written. */
export function reply(query: Query, { rcode = RCODE.ok, ...records }: Reply, extendedRcode = 0): Buffer {
  const kept = query.flags & (RECURSION_DESIRED | CHECKING_DISABLED);
  const opt: Answer = {
    ...{ type: "OPT", name: ".", udpPayloadSize: OWN_UDP_BYTES, extendedRcode, ednsVersion: 0 },
    ...{ flags: 0, flag_do: false, options: [] },
  };
  return encode({
    id: query.id,
    type: "response",
    flags: kept | (records.isSecondHand ? 0 : AUTHORITATIVE_ANSWER) | RECURSION_AVAILABLE | rcode,
    questions: [query.asked],
    answers: [...(records.answers ?? [])],
    authorities: [...(records.authorities ?? [])],
    additionals: [...(records.additionals ?? []), ...(query.edns === null ? [] : [opt])],
  });
}

/**
 * Of a reply as many records as there is room for; the first addresses of hundreds do as well. By UDP it says that there are more, for
 * those who want to ask again by TCP. Throws as `reply` does.
 */
export function fittedReply(query: Query, what: Reply, isTcp: boolean): Buffer {
  const room = isTcp ? MAX_BYTES : roomOf(query);
  const { answers = [], additionals = [] } = what;
  let count = answers.length;
  let bytes = reply(query, what);
  if (bytes.length > room && additionals.length > 0) bytes = reply(query, { ...what, additionals: [] });
  while (bytes.length > room && count > 0) {
    count = Math.max(0, Math.floor((count * room) / bytes.length) - 1);
    bytes = reply(query, { ...what, answers: answers.slice(0, count), additionals: [] });
  }
  if (isTcp) return bytes;
  if (count < answers.length) bytes.writeUInt8(bytes.readUInt8(2) | TRUNCATED, 2);
  return fitted(query, bytes);
}

/** Says to whoever asked by UDP that the answer is longer than what they take, so that they ask again by TCP. */
export function fitted(query: Query, answer: Buffer): Buffer {
  if (answer.length <= roomOf(query)) return answer;
  const short = Buffer.concat([answer.subarray(0, HEADER_BYTES), query.question]);
  short.writeUInt8(short.readUInt8(2) | TRUNCATED, 2);
  setCounts(short, 1);
  return short;
}

function roomOf({ edns }: Query): number {
  return Math.min(edns?.size ?? MIN_UDP_BYTES, MAX_UDP_BYTES);
}

/** A failure that has the question in it, and no records. */
export function failure(query: Query, rcode: number): Buffer {
  const answer = Buffer.concat([query.bytes.subarray(0, HEADER_BYTES), query.question]);
  answer.writeUInt8(answer.readUInt8(2) | RESPONSE, 2);
  answer.writeUInt8((RECURSION_AVAILABLE & 0xff) | rcode, 3);
  setCounts(answer, 1);
  return answer;
}

/** Bytes of the one question of a message; null where there is none that could be read. */
export function questionOf(bytes: Buffer): Buffer | null {
  // Without the other sections, and no longer than a question can be: nothing else is looked at.
  const alone = Buffer.from(bytes.subarray(0, HEADER_BYTES + MAX_NAME_BYTES + 4));
  setCounts(alone, 1);
  if (read(alone) === null) return null;
  return bytes.subarray(HEADER_BYTES, decode.bytes);
}

/** A message as the library reads it; null where it can't be. */
export function read(bytes: Buffer): DecodedPacket | null {
  try {
    return decode(bytes);
  } catch {
    return null;
  }
}

export function rcodeOf(bytes: Buffer): number {
  return bytes.readUInt8(3) & 15;
}

export function isTruncated(bytes: Buffer): boolean {
  return (bytes.readUInt8(2) & TRUNCATED) !== 0;
}

/** Numbers of questions, answers, authorities and additional records. */
export function counts(bytes: Buffer): readonly number[] {
  return [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
}

/** Leaves these sections of a message, and nothing of the others. */
export function setCounts(bytes: Buffer, ...numbers: readonly number[]): void {
  for (const [i, at] of [4, 6, 8, 10].entries()) bytes.writeUInt16BE(numbers[i] ?? 0, at);
}

function refuse(bytes: Buffer, rcode: number): Reading {
  const flags = (bytes.readUInt16BE(2) & 0x7900) | rcode;
  return { kind: "refuse", answer: encode({ id: bytes.readUInt16BE(0), type: "response", flags }) };
}

/** RFC 6891, 6.1.3: BADVERS. */
function wrongVersion(query: Query): Buffer {
  return reply(query, {}, 1);
}
