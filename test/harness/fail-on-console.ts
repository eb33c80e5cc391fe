/**
 * A test that prints has forgotten something: what our code says to people goes through streams that are handed in, so
 * whatever reaches the console is left over from debugging, or a warning that nobody would read.
 */
import { afterEach, beforeEach } from "vitest";

const METHODS = ["log", "info", "warn", "error", "debug", "trace"] as const;
const printed: string[] = [];

for (const method of METHODS) {
  console[method] = (...args: unknown[]) =>
    void printed.push(`console.${method}: ${args.map(String).join(" ")}`);
}

beforeEach(() => {
  printed.length = 0;
});

afterEach(() => {
  if (printed.length > 0) throw new Error(`printed to the console:\n${printed.join("\n")}`);
});
