/** Addresses for the two ends of a pair: a /30 out of a range, which nobody else on this machine has. */
import { randomInt } from "node:crypto";
import { networkInterfaces } from "node:os";

/** First address and length of an IPv4 range. */
export interface Range {
  readonly first: number;
  readonly length: number;
}

export interface Ends {
  readonly host: string;
  readonly guest: string;
}

/** Addresses of a /30: the network's, the host's, the guest's, broadcast. */
const SIZE = 4;
const LENGTH = 30;

/** `198.18.0.0/15`; undefined where it is no range with room for a /30. */
export function parseRange(text: string): Range | undefined {
  const [, address = "", digits = ""] = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text) ?? [];
  const [bytes, length] = [address.split(".").map(Number), Number(digits)];
  if (address === "" || bytes.some((byte) => byte > 255) || length < 8 || length > LENGTH) return undefined;
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const size = 2 ** (32 - length);
  return { first: Math.floor(number / size) * size, length };
}

/** Any /30 of the range. */
export function anyEnds({ first, length }: Range): Ends {
  const start = first + randomInt(2 ** (LENGTH - length)) * SIZE;
  return { host: addressOf(start + 1), guest: addressOf(start + 2) };
}

/** Whether an interface other than `link` has one of the addresses. To be asked when `link` has them: of two that do, one sees it. */
export function areTaken({ host, guest }: Ends, link: string): boolean {
  return Object.entries(networkInterfaces()).some(
    ([name, addresses]) =>
      name !== link && addresses?.some(({ address }) => address === host || address === guest),
  );
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join(".");
}
