/** IP addresses and ranges of them, as numbers and strings that hash maps take. */
import { isIP } from "node:net";

/** IPv6 addresses that stand for IPv4 ones are those. */
export interface Address {
  /** IPv4 as 32 bits; -1 for IPv6. */
  readonly v4: number;
  /** IPv6 as 16 characters of 8 bits; empty for IPv4. */
  readonly v6: string;
}

const MAPPED = `${"\0".repeat(10)}\xff\xff`;

/** Null for what is no address. */
export function parseAddress(text: string): Address | null {
  const family = text.includes("%") ? 0 : isIP(text);
  if (family === 4) return { v4: parseV4(text), v6: "" };
  if (family !== 6) return null;
  const v6 = parseV6(text);
  return v6.startsWith(MAPPED) ? { v4: bitsOf(v6.slice(12)), v6: "" } : { v4: -1, v6 };
}

/** Values by ranges: one map for each length of prefix that occurs, so that a look-up costs a few hashes. */
export class BlockMap<T> {
  readonly #v4: { readonly length: number; readonly map: Map<number, T[]> }[] = [];
  readonly #v6: { readonly length: number; readonly map: Map<string, T[]> }[] = [];

  /** `block` is an address, or address/length. Throws a RangeError for what is neither. */
  add(block: string, value: T): void {
    const [text = "", suffix] = block.split("/");
    const address = parseAddress(text);
    if (address === null) throw new RangeError(`${block} is no address and no range of them`);
    const isMapped = address.v6 === "" && text.includes(":");
    const bits = address.v6 === "" ? 32 : 128;
    const length = suffix === undefined ? bits : Number(suffix) - (isMapped ? 96 : 0);
    if (!Number.isInteger(length) || length < 0 || length > bits) {
      throw new RangeError(`${block} has no length from 0 to ${bits}`);
    }
    if (address.v6 === "") push(this.#v4, length, maskV4(address.v4, length), value);
    else push(this.#v6, length, maskV6(address.v6, length), value);
  }

  /** Values of all ranges that the address lies in. */
  find(address: Address): readonly (readonly T[])[] {
    const found: T[][] = [];
    if (address.v6 === "") {
      for (const { length, map } of this.#v4) {
        const values = map.get(maskV4(address.v4, length));
        if (values !== undefined) found.push(values);
      }
    } else {
      for (const { length, map } of this.#v6) {
        const values = map.get(maskV6(address.v6, length));
        if (values !== undefined) found.push(values);
      }
    }
    return found;
  }
}

/** Whether an address lies in any of some ranges. */
export class BlockSet {
  readonly #map = new BlockMap<true>();

  constructor(blocks: readonly string[]) {
    for (const block of blocks) this.#map.add(block, true);
  }

  has(address: Address | null): boolean {
    return address !== null && this.#map.find(address).length > 0;
  }
}

function push<K, T>(
  levels: { readonly length: number; readonly map: Map<K, T[]> }[],
  length: number,
  key: K,
  value: T,
): void {
  let level = levels.find((each) => each.length === length);
  if (level === undefined) {
    level = { length, map: new Map() };
    levels.push(level);
  }
  const values = level.map.get(key);
  if (values === undefined) level.map.set(key, [value]);
  else values.push(value);
}

function maskV4(bits: number, length: number): number {
  return length === 0 ? 0 : (bits & (0xffffffff << (32 - length))) >>> 0;
}

function maskV6(bytes: string, length: number): string {
  const whole = length >> 3;
  const rest = length & 7;
  if (rest === 0) return bytes.slice(0, whole);
  return bytes.slice(0, whole) + String.fromCharCode(bytes.charCodeAt(whole) & (0xff00 >> rest));
}

function parseV4(text: string): number {
  let bits = 0;
  for (const part of text.split(".")) bits = bits * 256 + Number(part);
  return bits;
}

function bitsOf(bytes: string): number {
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) bits = bits * 256 + bytes.charCodeAt(i);
  return bits;
}

/** RFC 4291 §2.2; the text has passed `isIP`. */
function parseV6(text: string): string {
  const [head = "", tail] = text.split("::");
  const front = groups(head);
  const back = tail === undefined ? "" : groups(tail);
  return front + "\0".repeat(16 - front.length - back.length) + back;
}

function groups(text: string): string {
  if (text === "") return "";
  let bytes = "";
  for (const group of text.split(":")) {
    const bits = group.includes(".") ? parseV4(group) : Number.parseInt(group, 16);
    if (group.includes(".")) bytes += String.fromCharCode((bits >>> 24) & 255, (bits >>> 16) & 255);
    bytes += String.fromCharCode((bits >>> 8) & 255, bits & 255);
  }
  return bytes;
}
