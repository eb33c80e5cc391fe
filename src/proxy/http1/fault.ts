/**
 * Verdicts of the codec as integers: a positive number is the offset after what was read, 0 asks for more bytes, a
 * negative one is the status that the fault deserves (design.md §3, "Strict by default").
 */
export const INCOMPLETE = 0;
export const BAD_MESSAGE = -400;
export const URI_TOO_LONG = -414;
export const EXPECTATION_FAILED = -417;
export const FIELDS_TOO_LARGE = -431;
export const NOT_IMPLEMENTED = -501;
export const VERSION_NOT_SUPPORTED = -505;
