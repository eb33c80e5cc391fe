/**
 * One thing that is wrong with what was written, with its place: what people read in `weft validate` and what the API
 * answers.
 */

export interface Issue {
  readonly severity: "error" | "warning";
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly kind?: string;
  readonly name?: string;
  /** `spec.rules[0].name`; empty where the document as a whole is meant. */
  readonly field: string;
  readonly found: string;
  readonly expected: string;
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** `file:line:column: error: field: message; did you mean "…"?`. */
export function formatIssue(issue: Issue): string {
  const { file, line, column, severity, field } = issue;
  const place = [file, line, column].join(":");
  const suggestion = issue.suggestion === undefined ? "" : `; did you mean "${issue.suggestion}"?`;
  return [place, severity, field, issue.message + suggestion].filter((part) => part !== "").join(": ");
}

/** In the order in which they stand in the files. */
export function byPlace(a: Issue, b: Issue): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === "error");
}
