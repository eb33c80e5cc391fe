/**
 * Why a run did not start. Anything that goes wrong once it runs is a number in the result instead.
 */

/** `invalid`: the options make no sense (all problems listed); `unreachable`: not one connection could be opened. */
export type LoadErrorCode = "invalid" | "unreachable";

export class LoadError extends Error {
  readonly code: LoadErrorCode;
  /** One line each. */
  readonly problems: readonly string[];

  constructor(code: LoadErrorCode, problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "LoadError";
    this.code = code;
    this.problems = problems;
  }
}
