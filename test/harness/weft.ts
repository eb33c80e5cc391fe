/** A command line of Weft's run in this process, without a terminal: what goes in and what comes out are texts. */
import { main } from "../../src/cli/main.ts";
import { type TextIoOptions, textIo } from "./io.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function weft(stdin: string, ...argv: readonly string[]): Promise<Ran> {
  return weftIn({ stdin }, ...argv);
}

export async function weftIn(options: TextIoOptions, ...argv: readonly string[]): Promise<Ran> {
  const { io, stdout, stderr } = textIo(options);
  const code = await main(argv, io);
  return { code, stdout: stdout(), stderr: stderr() };
}
