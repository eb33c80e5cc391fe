/**
 * What strangers push to the API: each is refused with its reason, changes nothing, and does not hold up the loop that
 * serves all sidecars. The control plane is a process of its own, whose own metric tells how late its loop was.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

/** Reading such bodies on the loop takes seconds, apart from it under 30 ms; the rest is what a loaded machine may add. */
const LONGEST_DELAY_S = 1;

let directory: string;
let child: ChildProcess;
let port: number;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-hostile-"));
  child = spawn(process.execPath, [join(import.meta.dirname, "plane-process.ts"), directory]);
  const [line] = await once(child.stdout ?? child, "data");
  port = Number(String(line));
});
afterAll(async () => {
  child.kill("SIGKILL");
  await once(child, "exit");
  rmSync(directory, { recursive: true, force: true });
});

async function send(method: string, path: string, body: string | Uint8Array<ArrayBuffer>) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
  const { error, issues } = (await response.json()) as {
    error?: { code: string; message: string };
    issues?: { message: string; line: number }[];
  };
  return { status: response.status, code: error?.code, message: error?.message, issues };
}

async function longestDelay(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/event_loop_delay_seconds\{quantile="1"\} (\S+)/.exec(text)?.[1]);
}

const apply = (text: string) => JSON.stringify({ files: [{ name: "bad.yaml", text }] });
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const route = (name: string, path: string) =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec:\n` +
  `  parentRefs: [{ kind: Service, group: "", name: a }]\n` +
  `  rules: [{ matches: [{ path: { type: RegularExpression, value: ${JSON.stringify(path)} } }] }]\n`;
const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefghi"]
  .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(",")}]`)
  .join("\n")}\n`;

const PUSHES: Readonly<Record<string, readonly [string, string, string, number]>> = {
  "JSON 10,000 levels deep in the envelope": ["POST", "/v1/apply", nested(10_000), 400],
  "JSON a million levels deep in the envelope": ["POST", "/v1/apply", nested(1_000_000), 400],
  "a document 10,000 levels deep": ["PUT", "/v1/resources/Service/default/a", nested(10_000), 422],
  "YAML 10,000 levels deep": ["POST", "/v1/apply", apply(nested(10_000)), 422],
  "YAML indented 10,000 times": ["POST", "/v1/apply", apply("- ".repeat(10_000)), 422],
  "aliases that expand a billion times": ["POST", "/v1/apply", apply(bomb), 422],
  "a regular expression of 1 MB": ["POST", "/v1/apply", apply(route("r", `/${"a".repeat(1_000_000)}`)), 422],
  "a regular expression that explodes": ["POST", "/v1/apply", apply(route("r", "(a+)+$")), 422],
  "10,000 routes, one of them wrong": [
    ...(["POST", "/v1/apply"] as const),
    apply(`${Array.from({ length: 10_000 }, (_, i) => route(`r${i}`, "/a")).join("---\n")}---\nkind: 1\n`),
    422,
  ],
  "100,000 routes": [
    ...(["POST", "/v1/apply"] as const),
    apply(Array.from({ length: 100_000 }, (_, i) => route(`r${i}`, "/a")).join("---\n")),
    413,
  ],
  "no JSON": ["POST", "/v1/apply", '{"files":', 400],
  "no YAML": ["POST", "/v1/apply", apply("a: [\n"), 422],
  "JSON of another shape": ["POST", "/v1/apply", '{"files":[1]}', 400],
};

it.each(Object.entries(PUSHES))("%s", { timeout: 60_000 }, async (_name, [method, path, body, status]) => {
  await longestDelay();
  const answer = await send(method, path, body);
  expect(answer).toMatchObject({ status, message: expect.stringMatching(/./) });
  if (status === 422) expect(answer.issues?.[0]?.message).toMatch(/./);
  expect(await longestDelay()).toBeLessThan(LONGEST_DELAY_S);
  expect(readdirSync(directory)).toEqual([]);
});

it("500 MB are answered before they are sent", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "POST /v1/apply HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" +
      "content-length: 524288000\r\n\r\n",
  );
  const [chunk] = await once(socket, "data");
  expect(String(chunk)).toContain("HTTP/1.1 413 ");
  socket.destroy();
});

it("a body without a length is refused when it has become too long", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "POST /v1/apply HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" +
      "transfer-encoding: chunked\r\n\r\n",
  );
  const part = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(0x10_0000, " "), Buffer.from("\r\n")]);
  for (let i = 0; i < 18; i++) socket.write(part);
  const [chunk] = await once(socket, "data");
  expect(String(chunk)).toContain("HTTP/1.1 413 ");
  socket.destroy();
});
