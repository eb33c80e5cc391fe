/** A command line of Weft's run in this process, without a terminal: what goes in and what comes out are texts. */
import { Readable, Writable } from "node:stream";
import { main } from "../../src/cli/main.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function weft(stdin: string, ...argv: readonly string[]): Promise<Ran> {
  const [out, err] = [collector(), collector()];
  const io = { stdin: Readable.from([stdin]), stdout: out.sink, stderr: err.sink, env: {}, cwd: "/" };
  const code = await main(argv, io);
  return { code, stdout: out.text(), stderr: err.text() };
}

function collector() {
  const chunks: string[] = [];
  const sink = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { sink, text: () => chunks.join("") };
}
