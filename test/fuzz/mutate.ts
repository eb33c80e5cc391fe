/** Bytes from good ones by a few random changes, of the kinds that parsers have been fooled by. */
import { below, oneOf } from "../harness/random.ts";

type Random = () => number;

/** What has smuggled before: inserted, or put in the place of other bytes. */
const NASTY: readonly string[] = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  " ",
  "\t",
  "\0",
  "\x0b",
  "\x7f",
  "\x80",
  "\xa0",
  "\xff",
  ":",
  ";",
  ",",
  "=",
  "0",
  "9",
  "-1",
  "+5",
  "0x5",
  "1_0",
  "99999999999999999999",
  "ffffffffffffff",
  "5, 5",
  "00",
  "\r\nContent-Length: 5",
  "\r\ncontent-length:5",
  "\r\nContent-Length : 5",
  "\r\nContent-Length: 0",
  "\r\nTransfer-Encoding: chunked",
  "\r\nTransfer-Encoding: identity",
  "\r\nTransfer-Encoding:\x0bchunked",
  "\r\ntransfer-encoding: Chunked",
  "\r\nTransfer-Encoding: gzip, chunked",
  "\r\nTransfer_Encoding: chunked",
  "\r\nHost: evil",
  "\r\nHost:",
  "\r\nhost: a,b",
  "\r\n folded",
  "\r\n\tfolded",
  "\r\n: empty",
  "\r\nnocolon",
  "\r\nConnection: close",
  "\r\nConnection: keep-alive",
  "\r\nConnection: Host, Cookie, X-A",
  "\r\nConnection:,,",
  "\r\nconnection: Upgrade\r\nUpgrade: websocket",
  "\r\nUpgrade: h2c",
  "\r\nExpect: 100-continue",
  "\r\nExpect: x",
  "\r\nx-weft-attempt: 1",
  "\r\nX-Forwarded-Client-Cert: x",
  "\r\nTE: trailers",
  "\r\n__proto__: 1",
  "http://",
  "HTTP://u@",
  "*",
  "//",
  "?",
  "#",
  "%0d%0a",
  "[::1]",
  "[",
  "]",
  "@",
  "CONNECT ",
  "OPTIONS ",
  "PRI * HTTP/2.0",
  " HTTP/1.0",
  " HTTP/1.1",
  " HTTP/1.2",
  " http/1.1",
  "HTTP/1.1 200 OK\r\n",
  "GET / HTTP/1.1\r\n",
  "100",
  "204",
  "304",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  '0;x="y\r\n',
  "1\r\nz",
  "\r\nTrailer: X",
];

/** One to four changes to `text`; `corpus` lends parts of its other texts. */
export function mutate(random: Random, text: string, corpus: readonly string[]): string {
  let result = text;
  for (let n = 1 + below(random, 4); n > 0; n--) result = once(random, result, corpus);
  return result;
}

function once(random: Random, text: string, corpus: readonly string[]): string {
  const at = below(random, text.length + 1);
  const to = Math.min(text.length, at + 1 + below(random, 8));
  switch (below(random, 9)) {
    case 0:
      return text.slice(0, at) + oneOf(random, NASTY) + text.slice(at);
    case 1:
      return text.slice(0, at) + oneOf(random, NASTY) + text.slice(to);
    case 2:
      return text.slice(0, at) + text.slice(to);
    case 3:
      return text.slice(0, to) + text.slice(at);
    case 4:
      return text.slice(0, at) + String.fromCharCode(below(random, 256)) + text.slice(at + 1);
    case 5: {
      const other = oneOf(random, corpus);
      return text.slice(0, at) + other.slice(below(random, other.length));
    }
    case 6:
      return atLineEnd(random, text, oneOf(random, NASTY));
    case 7:
      return atLineEnd(random, text, oneOf(random, ["\n", "\r", "\r\r\n", " \r\n", "\r\n "]), 2);
    default:
      return text.slice(0, at) + swapCase(text.slice(at, to)) + text.slice(to);
  }
}

/** Puts `inserted` at the end of one of the lines, in the place of `drop` characters. */
function atLineEnd(random: Random, text: string, inserted: string, drop = 0): string {
  const ends = [...text.matchAll(/\r\n/g)].map((match) => match.index);
  if (ends.length === 0) return text + inserted;
  const at = oneOf(random, ends);
  return text.slice(0, at) + inserted + text.slice(at + drop);
}

/** Of ASCII letters: the upper case of some other bytes is no byte. */
function swapCase(text: string): string {
  const isLower = !/[A-Z]/.test(text);
  return text.replace(/[A-Za-z]/g, (letter) => (isLower ? letter.toUpperCase() : letter.toLowerCase()));
}
