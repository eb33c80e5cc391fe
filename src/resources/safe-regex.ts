/**
 * Regular expressions that a person may put into a route. They run on the traffic loop over bytes that strangers send,
 * so only those are let in that can't take exponential time there: no backreferences, no lookaround, no repetition of
 * something that itself repeats or that has alternatives, and no long ones. What remains is roughly what RE2 has
 * (which Envoy uses), less what its engine makes safe and a backtracking one does not.
 */

/** Longest expression, in characters. */
export const MAX_REGEX_LENGTH = 1024;

/** Most unbounded repetitions: each one more may multiply the time by the length of the text. */
export const MAX_UNBOUNDED = 4;

/** Largest count in `{n,m}`. */
export const MAX_REPEAT = 1000;

interface Group {
  /** Something in it repeats, or it has alternatives. */
  isVariable: boolean;
}

/** Why `source` is refused, or undefined if it may be used. */
export function unsafeRegex(source: string): string | undefined {
  if (source.length > MAX_REGEX_LENGTH) return `is longer than ${MAX_REGEX_LENGTH} characters`;
  try {
    new RegExp(source, "u");
  } catch {
    return "is no valid regular expression";
  }
  return findDanger(source);
}

function findDanger(source: string): string | undefined {
  const open: Group[] = [{ isVariable: false }];
  let lastIsVariable = false;
  let unbounded = 0;
  for (let i = 0; i < source.length; i++) {
    const inner = open.at(-1) ?? { isVariable: false };
    switch (source[i]) {
      case "\\":
        if (/^\\(?:[1-9]|k)/.test(source.slice(i, i + 2))) return "has a backreference";
        i += escapeLength(source, i) - 1;
        lastIsVariable = false;
        break;
      case "[":
        i = endOfClass(source, i);
        lastIsVariable = false;
        break;
      case "(":
        if (/^\(\?(?:[=!]|<[=!])/.test(source.slice(i, i + 4))) return "has a lookaround";
        open.push({ isVariable: false });
        i = endOfGroupHead(source, i);
        break;
      case ")": {
        open.pop();
        lastIsVariable = inner.isVariable;
        const outer = open.at(-1);
        if (outer !== undefined && inner.isVariable) outer.isVariable = true;
        break;
      }
      case "|":
        inner.isVariable = true;
        lastIsVariable = false;
        break;
      case "*":
      case "+":
      case "?":
      case "{": {
        const quantifier = /^(?:[*+?]|\{(\d+)(,)?(\d*)\})\??/.exec(source.slice(i));
        if (quantifier === null) break;
        const [whole, min = "", comma = "", max = ""] = quantifier;
        const isUnbounded = whole.startsWith("*") || whole.startsWith("+") || (comma !== "" && max === "");
        if (Number(min) > MAX_REPEAT || Number(max) > MAX_REPEAT)
          return `repeats more than ${MAX_REPEAT} times`;
        if (lastIsVariable && !whole.startsWith("?")) return "repeats something that varies itself";
        if (isUnbounded && ++unbounded > MAX_UNBOUNDED)
          return `has more than ${MAX_UNBOUNDED} unbounded repetitions`;
        inner.isVariable = true;
        i += whole.length - 1;
        break;
      }
      default:
        lastIsVariable = false;
    }
  }
  return undefined;
}

/** `\p{…}` and `\u{…}` have braces that are no quantifier. */
function escapeLength(source: string, at: number): number {
  return /^\\[pPu]\{[^}]*\}/.exec(source.slice(at, at + 64))?.[0].length ?? 2;
}

function endOfClass(source: string, at: number): number {
  let i = at + 1;
  while (i < source.length && source[i] !== "]") i += source[i] === "\\" ? 2 : 1;
  return i;
}

/** Skips `(?:` and `(?<name>`, whose characters are no expression. */
function endOfGroupHead(source: string, at: number): number {
  return at + (/^\((?:\?:|\?<[^>]*>)?/.exec(source.slice(at))?.[0].length ?? 1) - 1;
}
