/** Environment variable with the file in which `requires` notes skipped suites for `test/run.ts`: JSON lines. */
export const SKIPS_VARIABLE = "WEFT_SKIPS_FILE";
