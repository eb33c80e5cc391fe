/** The image of deploy/image/Dockerfile and compose projects in the mesh, under a real engine and with each Compose that there is. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { beginsWithTls } from "./capture.ts";
import { ONLY_FRONT, SERVICES, SHAPES, WORDS } from "./cases.ts";
import { COMPOSES } from "./composes.ts";
import { Engine } from "./engine.ts";
import { testExample } from "./example.ts";
import { buildImages, sizeOf, WEFT } from "./images.ts";
import { allGood, expectGood, Project } from "./project.ts";

const BUILD_MS = 180_000;
const PROJECT_MS = 90_000;
const MAX_IMAGE_BYTES = 240 * 1_024 ** 2;

requires(
  "root",
  "docker",
  "dockerd",
  "ip",
  "nft",
  "iptables",
  "setpriv",
  "tcpdump",
)("compose, with a real engine", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.open();
    buildImages(engine);
    await engine.leaveNetwork();
  }, BUILD_MS);
  afterAll(() => engine.close(), PROJECT_MS);

  it("the image is small, and nobody is root in it", () => {
    expect(sizeOf(engine, WEFT)).toBeLessThan(MAX_IMAGE_BYTES);
    const confined = ["--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--entrypoint", "sh"];
    const script = "id -u; weft --version; command -v nft iptables ip sleep node; ls /opt/weft";
    const said = engine.docker(["run", ...confined, WEFT, "-c", script]);
    expect(said).toMatch(/^1337\nweft \S+ \(node 26\./);
    expect(said.split("\n").slice(2, 7)).toHaveLength(5);
    expect(said).toMatch(/\nLICENSE\nbin\ndist\nnode_modules\npackage.json\n$/);
  });

  it("weft init needs what a pod's init container has", () => {
    engine.docker(["network", "create", "rights"]);
    try {
      const confined = ["--network", "rights", "--read-only", "--security-opt", "no-new-privileges"];
      const rights = ["--user", "0:0", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"];
      const said = engine.docker(["run", "--rm", ...confined, ...rights, WEFT, "init", "--json"]);
      expect(JSON.parse(said)).toMatchObject({
        backend: "nft",
        probes: [
          { direction: "outbound", verdict: "redirected" },
          { direction: "inbound", verdict: "not tried" },
        ],
      });
    } finally {
      engine.docker(["network", "rm", "rights"]);
    }
  });

  for (const compose of COMPOSES) {
    requires(compose.need)(compose.command.join(" "), () => {
      it(
        "the capture would see plaintext: without a mesh it does",
        async () => {
          const project = Project.plain(engine, compose);
          try {
            project.up();
            await project.untilAnswers(allGood);
            const flows = await project.captured(SERVICES, () => {
              expectGood(project.get(20));
            });
            for (const word of WORDS)
              expect(
                flows.some(({ bytes }) => bytes.includes(word)),
                word,
              ).toBe(true);
            expect(flows.some(beginsWithTls)).toBe(false);
          } finally {
            project.down();
          }
        },
        PROJECT_MS,
      );

      it(
        "services of other users, two that share a network, and a change of the project",
        async () => {
          const project = await Project.of(engine, compose, SHAPES, ONLY_FRONT);
          try {
            project.up();
            await project.untilAnswers(allGood);
            const ask = `fetch("http://back:9000/").then(async (r) => console.log(r.status, await r.text()))`;
            const asked = (service: string) => project.exec(service, "node", "-e", ask);
            expect(asked("front")).toBe("200 from 127.0.0.6 as 1000\n");
            expect(asked("beside")).toBe("200 from 127.0.0.6 as 1000\n");
            expect(asked("stranger")).toContain("403");

            // Another port is another network: who shares it comes along, and the others stay.
            const before = project.container("front").State.Pid;
            await project.inject(SHAPES.replace("expose: [9000]", "expose: [9000, 9001]"));
            project.up();
            expect(project.container("front").State.Pid).toBe(before);
            expect(asked("beside")).toBe("200 from 127.0.0.6 as 1000\n");
          } finally {
            project.down();
          }
          expect(project.remains()).toEqual([]);
        },
        PROJECT_MS,
      );

      describe("the example", () => testExample(() => engine, compose));
    });
  }
});
