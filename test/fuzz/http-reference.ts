/**
 * HTTP/1.1 messages as RFC 9110 and 9112 and design.md §3 have them, read by regular expressions over whole strings: slow, and easy to
 * hold against the text of the RFCs. It shares nothing with the codec, whose verdicts it judges and whose output it checks.
 */
import { isIPv6 } from "node:net";
import { normalTarget } from "./path-reference.ts";

export interface Field {
  readonly name: string;
  readonly value: string;
}

export interface Message {
  /** Characters of the head, the empty line included. */
  readonly length: number;
  readonly minor: number;
  readonly fields: readonly Field[];
  readonly contentLength: number;
  readonly isChunked: boolean;
  readonly keepsAlive: boolean;
}

export interface Request extends Message {
  readonly method: string;
  /** `""` in CONNECT. */
  readonly path: string;
  readonly authority: string;
}

export interface Response extends Message {
  readonly status: number;
}

export interface Limits {
  readonly maxBytes: number;
  readonly maxFields: number;
}

export const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]";
const FIELD = new RegExp(`^(${TOKEN}+):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*?)[ \\t]*$`, "s");
const REQUEST_LINE = new RegExp(
  `^(${TOKEN}{1,32}) ([!$%&'()*+,\\-./0-9:;=?@A-Z[\\]^_\`a-z{|}~]+) HTTP/1\\.([01])$`,
);
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** The request at the start of `text`, or undefined when there is none that may pass. */
export function referenceRequest(text: string, limits: Limits): Request | undefined {
  const skipped = text.startsWith("\r\n") ? 2 : 0;
  const head = readHead(text.slice(skipped), limits.maxFields);
  const line = REQUEST_LINE.exec(head?.startLine ?? "");
  if (head === undefined || line === null || skipped + head.length > limits.maxBytes) return undefined;
  const [, method = "", target = "", minor = ""] = line;
  const message = frame(head, Number(minor));
  if (message === undefined) return undefined;

  const hosts = valuesOf(head.fields, "host");
  if (hosts.length > 1 || (hosts.length === 0 && minor === "1") || !hosts.every(isAuthority))
    return undefined;
  const expectations = valuesOf(head.fields, "expect").map((value) => value.toLowerCase());
  if (expectations.length > 1 || expectations.some((value) => value !== "100-continue")) return undefined;

  const rest = { ...message, length: skipped + head.length, method };
  if (method === "CONNECT") {
    const hasBody = message.isChunked || message.contentLength > 0;
    if (!isAuthority(target) || !/:\d+$/.test(target) || hasBody) return undefined;
    return { ...rest, path: "", authority: target };
  }
  const authority = hosts[0] ?? "";
  if (target.startsWith("/")) return { ...rest, path: normalTarget(target), authority };
  if (target === "*" && method === "OPTIONS") return { ...rest, path: target, authority };
  const absolute = /^http:\/\/([^/?]+)(\/.*)?$/i.exec(target);
  if (absolute === null || !isAuthority(absolute[1] ?? "")) return undefined;
  return { ...rest, path: normalTarget(absolute[2] ?? "/"), authority: absolute[1] ?? "" };
}

/** The response at the start of `text`, or undefined. */
export function referenceResponse(text: string, limits: Limits): Response | undefined {
  const head = readHead(text, limits.maxFields);
  const line = STATUS_LINE.exec(head?.startLine ?? "");
  if (head === undefined || line === null || head.length > limits.maxBytes) return undefined;
  const status = Number(line[2]);
  const message = frame(head, Number(line[1]));
  if (message?.isChunked && (status < 200 || status === 204)) return undefined;
  return message && { ...message, status };
}

interface RawHead {
  readonly startLine: string;
  readonly fields: readonly Field[];
  readonly length: number;
}

function readHead(text: string, maxFields: number): RawHead | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [startLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = readFields(lines);
  if (fields === undefined || fields.length > maxFields) return undefined;
  return { startLine, fields, length: end + 4 };
}

/** Fields of lines without their CRLF; undefined when one is none. */
export function readFields(lines: readonly string[]): readonly Field[] | undefined {
  const fields: Field[] = [];
  for (const line of lines) {
    const match = FIELD.exec(line);
    if (match === null) return undefined;
    fields.push({ name: match[1] ?? "", value: match[2] ?? "" });
  }
  return fields;
}

/** One framing or none (RFC 9112 §6.3), and whether the connection stays (§9.3). */
function frame(head: RawHead, minor: number): Message | undefined {
  const lengths = valuesOf(head.fields, "content-length");
  const codings = valuesOf(head.fields, "transfer-encoding");
  if (lengths.length > 1 || codings.length > 1 || lengths.length + codings.length > 1) return undefined;
  if (!lengths.every((value) => /^\d{1,15}$/.test(value))) return undefined;
  if (!codings.every((value) => value.toLowerCase() === "chunked") || (codings.length > 0 && minor === 0)) {
    return undefined;
  }
  const options = connectionOptions(head.fields);
  return {
    length: head.length,
    minor,
    fields: head.fields,
    contentLength: lengths.length === 0 ? -1 : Number(lengths[0]),
    isChunked: codings.length > 0,
    keepsAlive: !options.includes("close") && (minor === 1 || options.includes("keep-alive")),
  };
}

export function connectionOptions(fields: readonly Field[]): readonly string[] {
  return valuesOf(fields, "connection")
    .flatMap((value) => value.split(","))
    .map((option) => option.replace(/^[ \t]+|[ \t]+$/g, "").toLowerCase())
    .filter((option) => option !== "");
}

export function valuesOf(fields: readonly Field[], name: string): readonly string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map((field) => field.value);
}

function isAuthority(text: string): boolean {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([-._~0-9A-Za-z]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null || text.length > 260 || match[2] === ".") return false;
  const port = match[3] === undefined ? 1 : Number(match[3]);
  return (match[1] === undefined || isIPv6(match[1])) && port >= 1 && port <= 65_535;
}
