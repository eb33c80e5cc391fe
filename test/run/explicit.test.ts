/** Programs of one machine under `weft run`, without root: they call each other through their sidecars, by name and with identities. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../harness/free-ports.ts";
import { type Answer, program, type Running, service, TestMesh, until } from "./weft-run.ts";

const OPEN = { "weft.dev/join": "catalog, helper" };
let mesh: TestMesh;
let web: Running;
let port: number;

beforeAll(async () => {
  mesh = await TestMesh.start([service("catalog", 8_080), service("open", 80, OPEN), service("empty", 80)]);
  port = await freePort();
  web = await mesh.start("web", [], program("caller"));
  await web.line();
});
afterAll(() => mesh.close());

const CATALOG = "http://catalog:8080/";
const body = ({ text }: Answer) => JSON.parse(text) as { name: string; headers: Record<string, string> };

/** Until it answers so. */
const untilAnswer = (url: string, isIt: (answer: Answer) => boolean) =>
  until(async () => isIt(await web.get(url)), `an answer of ${url}`);

describe("a program of the mesh", () => {
  it("is called by name, by those whom it is told of", async () => {
    const catalog = await mesh.serve("catalog", "one", port);
    await untilAnswer(CATALOG, ({ status }) => status === 200);
    const { name, headers } = body(await web.get(CATALOG));
    expect(name).toBe("one");
    expect(headers["x-forwarded-client-cert"]).toMatch(
      /By=.*\/sa\/catalog;.*URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/web$/,
    );
    expect(catalog.stderr).toMatch(
      /^weft: sidecar default\/catalog-\S+, instance of catalog, reached at 127\.0\.0\.1:\d+, ready after .*\n$/,
    );

    catalog.child.kill("SIGTERM");
    expect(await catalog.ended).toMatchObject({ code: null, signal: "SIGTERM" });
    await catalog.gone();
    await untilAnswer(CATALOG, ({ status }) => status === 503);
  });

  it("is one of several, until it ends", async () => {
    const [one, two] = [
      await mesh.serve("catalog", "one", port),
      await mesh.serve("catalog", "two", await freePort()),
    ];
    const seen = new Set<string>();
    await untilAnswer(CATALOG, (answer) => {
      if (answer.status === 200) seen.add(body(answer).name);
      return seen.size === 2;
    });
    one.child.kill("SIGTERM");
    await one.gone();
    await untilAnswer(CATALOG, (answer) => answer.status === 200 && body(answer).name === "two");
    for (let n = 0; n < 10; n++) expect(body(await web.get(CATALOG)).name).toBe("two");
    two.child.kill("SIGTERM");
    await two.gone();
  });

  it("goes on when its sidecar is killed", async () => {
    const catalog = await mesh.serve("catalog", "one", port);
    await untilAnswer(CATALOG, ({ status }) => status === 200);
    for (const one of [catalog, web]) {
      const [before] = one.sidecars;
      expect(before).toBeGreaterThan(1);
      process.kill(before ?? process.pid, "SIGKILL");
      await until(() => one.sidecars.some((pid) => pid !== before), "another sidecar");
      await untilAnswer(CATALOG, ({ status }) => status === 200);
    }
    expect(catalog.child.exitCode).toBe(null);
    catalog.child.kill("SIGKILL");
    expect(await catalog.ended).toMatchObject({ signal: "SIGKILL" });
    await catalog.gone();
  });

  it("goes on without the control plane, and is known to the next one from its start", async () => {
    const catalog = await mesh.serve("catalog", "one", port);
    await untilAnswer(CATALOG, ({ status }) => status === 200);
    await mesh.killPlane();
    expect((await web.get(CATALOG)).status).toBe(200);
    const away = await mesh.run("web", ["--wait", "300ms"], ["echo", "started"]);
    expect(away).toMatchObject({ code: 125, stdout: Buffer.alloc(0) });
    expect(away.stderr).toMatch(/^error: the control plane 127\.0\.0\.1:\d+ does not answer: ECONNREFUSED\n/);

    await mesh.startPlane();
    // Whoever comes now has to be told of instances whose sidecars may not have come back yet.
    const late = await mesh.start("web", [], program("caller"));
    await late.line();
    for (let n = 0; n < 20; n++) expect(await late.get(CATALOG)).toMatchObject({ status: 200 });
    catalog.child.kill("SIGTERM");
    await catalog.gone();
  });
});

describe("who may be an instance", () => {
  const refused = async (flags: readonly string[], account: string) => {
    const all = ["--port", "1", "--service-account", account, ...flags];
    const { code, stderr } = await mesh.run(account, all, ["echo", "started"]);
    expect(code).toBe(125);
    return stderr;
  };

  it("not another service account", async () => {
    expect(await refused(["--service", "catalog"], "web")).toMatch(
      /^error: the control plane 127\.0\.0\.1:\d+ refuses: service account web may not join Service default\/catalog, catalog may \(annotation weft\.dev\/join/,
    );
  });

  it("of no Service that is not there", async () => {
    expect(await refused(["--service", "catlog"], "catalog")).toContain(
      'there is no Service default/catlog, did you mean "catalog"?',
    );
  });

  it("whom the Service's annotation names", async () => {
    const helper = await mesh.start(
      "helper",
      ["--port", String(await freePort()), "--service", "open", "--service-account", "helper"],
      program("server", "helper"),
    );
    await helper.line();
    await untilAnswer("http://open/", (answer) => answer.status === 200 && body(answer).name === "helper");
    mesh.write([service("catalog", 8_080), service("open", 80, { "weft.dev/join": "catalog" })]);
    await untilAnswer("http://open/", ({ status }) => status === 503);
    helper.child.kill("SIGTERM");
    await helper.gone();
  });
});
