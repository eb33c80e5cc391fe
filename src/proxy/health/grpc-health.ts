/**
 * The two messages of `grpc.health.v1.Health/Check`, each of one field, with gRPC's five bytes before them: a protobuf library
 * would be megabytes for these (grpc/health/v1/health.proto; protobuf.dev, "Encoding").
 */

export const CHECK_METHOD = "/grpc.health.v1.Health/Check";

const PREFIX_BYTES = 5;
/** Field 1 of both: `service` is length-delimited, `status` a varint. */
const SERVICE_TAG = 0x0a;
const STATUS_FIELD = 1;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** A HealthCheckRequest as it goes into the stream. */
export function encodeCheck(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([SERVICE_TAG, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The status in what the server has sent: its name, or undefined where that is no whole HealthCheckResponse. */
export function decodeStatus(bytes: Buffer): string | undefined {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== 0) return undefined;
  const end = PREFIX_BYTES + bytes.readUInt32BE(1);
  if (bytes.length < end) return undefined;
  let status = 0;
  for (let at = PREFIX_BYTES; at < end; ) {
    const tag = readVarint(bytes, at, end);
    if (tag === undefined) return undefined;
    const value = readVarint(bytes, tag.next, end);
    switch (tag.value & 7) {
      case VARINT:
        if (value === undefined) return undefined;
        if (tag.value >>> 3 === STATUS_FIELD) status = value.value;
        at = value.next;
        break;
      case DELIMITED:
        if (value === undefined) return undefined;
        at = value.next + value.value;
        break;
      case FIXED64:
        at = tag.next + 8;
        break;
      case FIXED32:
        at = tag.next + 4;
        break;
      default:
        return undefined;
    }
    if (at > end) return undefined;
  }
  return STATUSES[status] ?? `status ${status}`;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Of at most 32 bits; longer ones are no tag, length or status. */
function readVarint(
  bytes: Buffer,
  from: number,
  end: number,
): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let at = from; at < end && at < from + 5; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - from));
    if (byte < 0x80) return { value, next: at + 1 };
  }
  return undefined;
}
