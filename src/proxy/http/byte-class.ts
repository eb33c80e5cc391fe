/**
 * What each byte may be, as 256-entry tables: one load per byte both classifies and validates.
 * RFC 9110 §5.6.2 (token), §5.5 (field value), RFC 3986 (authority), RFC 9112 §3.2 (request target).
 */

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;
export const SLASH = 47;
export const SEMICOLON = 59;

function table(fill: (byte: number) => number): Uint8Array {
  const bytes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) bytes[byte] = fill(byte);
  return bytes;
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

function oneOf(characters: string, byte: number): boolean {
  return characters.includes(String.fromCharCode(byte));
}

/** Token characters map to their lower case, all others to 0. */
export const TOKEN = table((byte) => {
  if (byte >= 65 && byte <= 90) return byte + 32;
  return isAlphanumeric(byte) || oneOf("!#$%&'*+-.^_`|~", byte) ? byte : 0;
});

/** 1 for what a field value may hold: visible characters, space, tab and obs-text. */
export const FIELD_VALUE = table((byte) => (byte === HTAB || (byte >= 32 && byte !== 127) ? 1 : 0));

/**
 * 1 for what a request target may hold: RFC 3986 characters and those that browsers and fetch leave unescaped
 * in a query (`[ ] { } | ^` and the backtick); never `#`, quotes, angle brackets, backslash or a byte over 126.
 */
export const TARGET = table((byte) =>
  isAlphanumeric(byte) || oneOf("-._~:/?[]@!$&'()*+,;=%{}|^`", byte) ? 1 : 0,
);

/** Characters of a registered name or IPv4 address, mapped to lower case; all others 0. */
export const HOST = table((byte) => {
  if (byte >= 65 && byte <= 90) return byte + 32;
  return isAlphanumeric(byte) || oneOf("-._~", byte) ? byte : 0;
});

/** Value of a hexadecimal digit plus one; 0 for other bytes. */
export const HEX = table((byte) => {
  if (byte >= 48 && byte <= 57) return byte - 47;
  if (byte >= 65 && byte <= 70) return byte - 54;
  return byte >= 97 && byte <= 102 ? byte - 86 : 0;
});

/** Lower case of ASCII letters, other bytes unchanged. */
export const LOWER = table((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
