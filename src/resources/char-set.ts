/**
 * Sets of UTF-16 code units as sorted ranges: what one step of a regular expression accepts.
 */

/** Pairs of first and last unit, ascending and apart. */
export type CharSet = readonly (readonly [first: number, last: number])[];

const LAST_UNIT = 0xffff;

/** Any ranges as a set. */
export function charSet(ranges: CharSet): CharSet {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

export function single(unit: number): CharSet {
  return [[unit, unit]];
}

/** Everything that is not in `set`. */
export function complement(set: CharSet): CharSet {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_UNIT) rest.push([next, LAST_UNIT]);
  return rest;
}

export function contains(set: CharSet, unit: number): boolean {
  return set.some(([first, last]) => first <= unit && unit <= last);
}

export const DIGITS: CharSet = [[48, 57]];
export const WORD: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
/** ECMAScript's white space and line ends. */
export const SPACE: CharSet = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
/** What `.` does not accept. */
export const LINE_ENDS: CharSet = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
/** What `.` accepts. */
export const DOT = complement(LINE_ENDS);
