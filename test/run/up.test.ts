/** `weft run` beside a mesh that `weft up` runs, in a second terminal: nothing has to be said about where and with what it enrols. */
import { afterEach, expect, it } from "vitest";
import { UpProcess } from "../local/up-process.ts";
import { program } from "./weft-run.ts";

let up: UpProcess | undefined;
afterEach(() => up?.dispose());

it("finds the mesh of weft up, and calls its Services", async () => {
  up = new UpProcess(["--no-trickle"]);
  await up.until(({ event }) => event === "started");
  const call =
    'fetch("http://catalog/").then(async (r) => console.log(r.status, (await r.text()).length > 0))';
  const job = await up.run("run", "--quiet", "--service", "job", "--", process.execPath, "-e", call);
  expect(job, job.stderr).toMatchObject({ code: 0, stdout: "200 true\n" });

  const refused = await up.run(
    "run",
    "--service",
    "catalog",
    "--service-account",
    "job",
    "--port",
    "1",
    "--",
    ...program("server"),
  );
  expect(refused.code).toBe(125);
  expect(refused.stderr).toContain("service account job may not join Service default/catalog");
});

it("says that there is none", async () => {
  up = new UpProcess(["--duration", "1s", "--no-trickle"]);
  await up.ended;
  const { code, stderr } = await up.run("run", "--service", "job", "--", "true");
  expect(stderr).toMatch(/^error: no control plane at http:\/\/127\.0\.0\.1:15014/);
  expect(code).toBe(125);
});
