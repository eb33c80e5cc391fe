/** What a path's one spelling is, written with strings and for clarity; the product works in the bytes. */

const UNRESERVED = /[A-Za-z0-9._~-]/;

/** The target with its path normalized; the query as it is. */
export function normalTarget(target: string): string {
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  let decoded = "";
  for (const piece of path.match(/%[0-9A-Fa-f]{2}|./gs) ?? []) {
    const character = piece.length === 1 ? piece : String.fromCharCode(Number.parseInt(piece.slice(1), 16));
    // After a % that begins no escape, nothing may appear that would make it one.
    const makesEscape = piece.length === 3 && /[0-9A-Fa-f]/.test(character) && /%.?$/.test(decoded);
    if (piece.length === 3 && (!UNRESERVED.test(character) || makesEscape)) decoded += piece.toUpperCase();
    else decoded += character;
  }
  const segments = decoded.split("/").slice(1);
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== "." && segment !== "") kept.push(segment);
  }
  const last = segments.at(-1);
  const hasSlash = kept.length === 0 || last === "" || last === "." || last === "..";
  return `${kept.map((segment) => `/${segment}`).join("")}${hasSlash ? "/" : ""}${target.slice(path.length)}`;
}
