/** PEM (RFC 7468) for certificates and requests: Base64 between two lines, nothing else inside. */

const LINE = 64;
const LABEL = /^-----BEGIN ([A-Z0-9 ]{1,40})-----\r?$/;

/** DER blocks of one label, in order; undefined where the text is not well-formed or holds more than `max` blocks. */
export function parsePem(text: string, label: string, max: number): readonly Buffer[] | undefined {
  const blocks: Buffer[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const found = LABEL.exec(lines[i] ?? "")?.[1];
    if (found === undefined) continue;
    const end = `-----END ${found}-----`;
    let body = "";
    for (i++; i < lines.length && lines[i]?.trimEnd() !== end; i++) body += lines[i]?.trim() ?? "";
    if (i === lines.length) return undefined;
    if (found !== label) continue;
    const der = decodeBase64(body);
    if (der === undefined || blocks.length === max) return undefined;
    blocks.push(der);
  }
  return blocks;
}

/** One block, with a line break at its end. */
export function formatPem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der.buffer, der.byteOffset, der.length).toString("base64");
  const lines = body.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Node's decoder skips what it does not know; what does not come out the same again was not Base64. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : undefined;
}
