/** What a command reads and writes as texts, without a terminal. */
import { Readable, Writable } from "node:stream";
import type { Io } from "../../src/cli/io.ts";

export interface TextIo {
  readonly io: Io;
  stdout(): string;
  stderr(): string;
  /** Both, in the order in which they were written. */
  output(): string;
}

export interface TextIoOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function textIo({ stdin = "", env = {}, cwd = "/" }: TextIoOptions = {}): TextIo {
  const written: { readonly to: "stdout" | "stderr"; readonly text: string }[] = [];
  const sink = (to: "stdout" | "stderr") =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        written.push({ to, text });
        done();
      },
    });
  const of = (name: string) => written.filter(({ to }) => to === name);
  const text = (parts: typeof written) => parts.map((part) => part.text).join("");
  return {
    io: { stdin: Readable.from([stdin]), stdout: sink("stdout"), stderr: sink("stderr"), env, cwd },
    stdout: () => text(of("stdout")),
    stderr: () => text(of("stderr")),
    output: () => text(written),
  };
}
