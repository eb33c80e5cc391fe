import { expect, it } from "vitest";
import { run } from "../../src/cli/validate.ts";
import { textIo } from "../harness/io.ts";

/** `weft validate - …` with a text on stdin. */
async function validate(text: string, ...options: string[]) {
  const { io, output } = textIo({ stdin: text });
  const code = await run(["-", ...options], io);
  return { code, output: output() };
}

const RIGHT = "apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: { ports: [{ port: 80 }] }\n";

it("exits with 0 where nothing is wrong", async () => {
  expect(await validate(RIGHT)).toEqual({
    code: 0,
    output: "1 file, 1 valid resource, 0 errors, 0 warnings\n",
  });
});

it("prints every issue and exits with 1 where something is", async () => {
  expect(await validate(RIGHT.replace("port: 80", "prot: 80"))).toEqual({
    code: 1,
    output:
      "stdin:4:17: error: spec.ports[0].port: is required\n" +
      'stdin:4:19: error: spec.ports[0].prot: unknown field; did you mean "port"?\n' +
      "1 file, 0 valid resources, 2 errors, 0 warnings\n",
  });
});

it("says the same as JSON", async () => {
  const { code, output } = await validate(RIGHT.replace("name: s", "name: S"), "--json");
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({
    valid: false,
    files: 1,
    resources: 0,
    issues: [{ file: "stdin", line: 3, column: 19, field: "metadata.name", found: '"S"' }],
  });
});
