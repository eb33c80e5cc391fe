/**
 * What `weft load` reads from its command line and files, and writes to files.
 */
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LIMITS } from "../load/options.ts";
import { CliError, usageError } from "./exit.ts";

const SIZE = /^(\d+(?:\.\d+)?)\s*(b|k|kb|kib|m|mb|mib)?$/i;

/** `--rate`: a number above 0, with or without `/s`. */
export function rateOption(text: string): number {
  const value = Number(text.replace(/\/s$/, ""));
  if (!(value > 0) || value > LIMITS.maxRate) {
    throw usageError(`--rate: "${text}" is no rate`, `write requests per second, up to ${LIMITS.maxRate}`);
  }
  return value;
}

/** `--header`: collects `Name: value`. */
export function headerOption(
  text: string,
  previous: readonly (readonly [string, string])[] | undefined,
): readonly (readonly [string, string])[] {
  const colon = text.indexOf(":");
  if (colon < 1)
    throw usageError(`--header: "${text}" has no name and value`, "write it as -H 'name: value'");
  return [...(previous ?? []), [text.slice(0, colon), text.slice(colon + 1).trim()]];
}

/** `--body-size`: bytes; `k` and `KiB` are 1,024, `m` and `MiB` 1,048,576. */
export function sizeOption(text: string): number {
  const [, amount, unit = ""] = SIZE.exec(text) ?? [];
  const factor = { "": 1, b: 1, k: 1_024, m: 1_048_576 }[unit.slice(0, 1).toLowerCase()];
  const bytes = Math.round(Number(amount) * (factor ?? Number.NaN));
  if (!(bytes <= LIMITS.maxBodyBytes)) {
    throw usageError(
      `--body-size: "${text}" is no size up to ${LIMITS.maxBodyBytes} bytes`,
      "write it as 1000 or 64KiB",
    );
  }
  return bytes;
}

/** The body that at most one of the three options gives. */
export function bodyOf(options: {
  readonly body?: string;
  readonly bodyFile?: string;
  readonly bodySize?: number;
}): string | Uint8Array | undefined {
  const { body, bodyFile, bodySize } = options;
  if ([body, bodyFile, bodySize].filter((one) => one !== undefined).length > 1) {
    throw usageError("give one of --body, --body-file and --body-size");
  }
  if (bodySize !== undefined) return Buffer.alloc(bodySize, "x");
  if (bodyFile === undefined) return body;
  try {
    return readFileSync(bodyFile);
  } catch (error) {
    throw usageError(`--body-file: ${bodyFile} can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Says before the run, not after it, that its report has nowhere to go. */
export function checkWritable(file: string, cwd: string): void {
  const path = dirname(resolve(cwd, file));
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw usageError(`${file}: can't be written (${path}: ${(error as NodeJS.ErrnoException).code})`);
  }
}

export function writeReport(file: string, cwd: string, text: string): void {
  try {
    writeFileSync(resolve(cwd, file), text);
  } catch (error) {
    throw new CliError(`${file}: can't be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
