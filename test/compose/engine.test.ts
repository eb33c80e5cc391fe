/**
 * The example of deploy/compose under a real engine and docker-compose, with the image of deploy/image/Dockerfile: its traffic is encrypted,
 * what is written to its config applies live, and it outlives what is killed of it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { beginsWithTls, Capture, type Flow } from "./capture.ts";
import { DENY, ONLY_FRONT, SHAPES, splitOf, versionOf } from "./cases.ts";
import { Engine, until } from "./engine.ts";
import { buildImages, sizeOf, WEFT } from "./images.ts";
import { type Answer, Project } from "./project.ts";

const BUILD_MS = 180_000;
const PROJECT_MS = 90_000;
const SERVICES = ["web", "catalog", "catalog-v2", "stock", "reviews"] as const;
/** Stand in each request and answer between services. */
const WORDS = ["GET /items", "GET /stock", "GET /reviews", "HTTP/1.1", "heddle"];
const MAX_IMAGE_BYTES = 240 * 1_024 ** 2;

const isGood = ({ status }: Answer): boolean => status === 200;

requires(
  "root",
  "docker",
  "dockerd",
  "docker-compose",
  "ip",
  "nft",
  "iptables",
  "setpriv",
  "tcpdump",
)("docker-compose, with a real engine", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.open();
    buildImages(engine);
    await engine.leaveNetwork();
  }, BUILD_MS);
  afterAll(() => engine.close(), PROJECT_MS);

  /** What services sent each other while `count` questions came from outside. */
  async function captured(
    project: Project,
    holders: readonly string[],
    count: number,
  ): Promise<readonly Flow[]> {
    const { bridge, addresses } = project.network(holders);
    const capture = await Capture.start(bridge, engine.inside);
    expect(project.get(count).every(isGood)).toBe(true);
    const flows = await capture.stop();
    const isTheirs = (side: string) => addresses.includes(side.split(":")[0] ?? "");
    return flows.filter(({ from, to }) => isTheirs(from) && isTheirs(to));
  }

  it("the image is small, and nobody is root in it", () => {
    expect(sizeOf(engine, WEFT)).toBeLessThan(MAX_IMAGE_BYTES);
    const confined = ["--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--entrypoint", "sh"];
    const script = "id -u; weft --version; command -v nft iptables ip sleep node; ls /opt/weft";
    const said = engine.docker(["run", ...confined, WEFT, "-c", script]);
    expect(said).toMatch(/^1337\nweft \S+ \(node 26\./);
    expect(said.split("\n").slice(2, 7)).toHaveLength(5);
    expect(said).toMatch(/\nLICENSE\nbin\ndist\nnode_modules\npackage.json\n$/);
  });

  it(
    "the capture would see plaintext: without a mesh it does",
    async () => {
      const project = Project.plain(engine);
      try {
        project.up();
        await project.untilAnswers(isGood);
        const flows = await captured(project, [...SERVICES], 20);
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

  it(
    "services of other users, two that share a network, and a change of the project",
    async () => {
      const project = await Project.of(engine, SHAPES, ONLY_FRONT);
      try {
        project.up();
        await project.untilAnswers(isGood);
        const ask = `fetch("http://back:9000/").then(async (r) => console.log(r.status, await r.text()))`;
        const asked = (service: string) => project.compose("exec", "-T", service, "node", "-e", ask);
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

  describe("the example", () => {
    let project: Project;

    beforeAll(async () => {
      project = await Project.example(engine);
      project.up();
      await project.untilAnswers(isGood);
    }, PROJECT_MS);
    afterAll(() => {
      project.down();
      expect(project.remains()).toEqual([]);
    }, PROJECT_MS);

    /** Of all containers that go on running: another one is another process. */
    const pids = () => {
      const all = project.containers();
      return SERVICES.flatMap((name) => [name, `${name}-weft`, `${name}-weft-sidecar`]).map(
        (name) => all.get(name)?.State.Pid,
      );
    };

    async function untilShared(low: number, high: number): Promise<void> {
      const n = 200;
      await project.untilAnswers(() => {
        const second = project.get(n).filter((answer) => versionOf(answer) === "v2").length;
        return second >= low * n && second <= high * n;
      });
    }

    it("between services there are TLS records and not a word of theirs", async () => {
      const flows = await captured(
        project,
        SERVICES.map((name) => `${name}-weft`),
        40,
      );
      const pairs = new Set(flows.map(({ from, to }) => [from, to].map((side) => side.split(":")[0]).join()));
      expect(pairs.size).toBeGreaterThanOrEqual(6);
      for (const flow of flows) {
        expect(beginsWithTls(flow), `${flow.from} to ${flow.to}`).toBe(true);
        for (const word of WORDS) expect(flow.bytes.includes(word), `${word}, ${flow.from}`).toBe(false);
      }
    });

    it("runs with the rights that were printed, and no others", () => {
      const all = project.containers();
      for (const part of SERVICES.flatMap((name) => [`${name}-weft`, `${name}-weft-sidecar`])) {
        const { State, HostConfig } = all.get(part) ?? expect.fail(part);
        expect(HostConfig.ReadonlyRootfs).toBe(true);
        expect(engine.status(State.Pid), part).toMatchObject({
          ...{ Uid: "1337", Gid: "1337", NoNewPrivs: "1" },
          ...{ CapEff: "0000000000000000", CapPrm: "0000000000000000" },
        });
      }
    });

    it(
      "weights in its config shift the split when they are saved, and nothing is started anew",
      async () => {
        const before = pids();
        const text = project.config("catalog.yaml");
        for (const [v1, v2, low, high] of [
          [0, 1, 1, 1],
          [50, 50, 0.35, 0.65],
          [1, 0, 0, 0],
        ] as const) {
          project.writeConfig("catalog.yaml", splitOf(v1, v2, text));
          await untilShared(low, high);
        }
        expect(pids()).toEqual(before);
      },
      PROJECT_MS,
    );

    it(
      "a policy in its config denies, and no longer when it is taken away",
      async () => {
        project.writeConfig("deny.yaml", DENY);
        await project.untilAnswers(({ text }) => text.includes("reviews answered 403"));
        project.removeConfig("deny.yaml");
        await project.untilAnswers(isGood);
      },
      PROJECT_MS,
    );

    it("who has no identity for it is refused by policy, whatever way it takes", async () => {
      const ask = `fetch("http://stock:8080/stock").then(async (r) => console.log(r.status, await r.text()))`;
      const said = project.compose("exec", "-T", "web", "node", "-e", ask);
      expect(said).toContain("403 RBAC: access denied");
      const around = `fetch("http://${project.network(["stock-weft"]).addresses[0]}:8080/stock").then((r) => console.log(r.status))`;
      expect(project.compose("exec", "-T", "web", "node", "-e", around)).toBe("403\n");
    });

    it(
      "an application that crashes takes nobody with it, and compose brings it back",
      async () => {
        // All traffic is the first version's since the split was shifted.
        project.crash("catalog-v2");
        expect(project.get(50).every(isGood)).toBe(true);
        project.up();
        expect(project.container("catalog-v2").State.Status).toBe("running");
        project.writeConfig("catalog.yaml", splitOf(0, 1, project.config("catalog.yaml")));
        await untilShared(1, 1);
      },
      PROJECT_MS,
    );

    it(
      "a sidecar that crashes comes back by itself, and the others go on",
      async () => {
        const before = project.container("catalog-weft-sidecar").State.Pid;
        project.crash("catalog-weft-sidecar");
        expect(project.get(50).every(isGood)).toBe(true);
        expect(project.container("catalog-weft-sidecar").State.Pid).not.toBe(before);
        project.writeConfig("catalog.yaml", splitOf(1, 0, project.config("catalog.yaml")));
        await untilShared(0, 0);
      },
      PROJECT_MS,
    );

    it(
      "what weft apply makes anew is kept by the control plane that comes after",
      async () => {
        const apply = `printf '%s' '${DENY}' | weft apply -f -`;
        expect(project.compose("exec", "-T", "weft-control-plane", "sh", "-c", apply)).toContain("created");
        const isDenied = ({ text }: Answer) => text.includes("reviews answered 403");
        await project.untilAnswers(isDenied);
        project.compose("restart", "--timeout", "5", "weft-control-plane");
        const remove = "weft wait --control-plane && weft delete authorizationpolicy nobody";
        expect(project.compose("exec", "-T", "weft-control-plane", "sh", "-c", remove)).toContain("deleted");
        await project.untilAnswers(isGood);
      },
      PROJECT_MS,
    );

    it(
      "traffic lives while the control plane is started anew, and config applies after it",
      async () => {
        project.compose("stop", "--timeout", "5", "weft-control-plane");
        expect(project.get(50).every(isGood)).toBe(true);
        project.compose("start", "weft-control-plane");
        expect(project.get(50).every(isGood)).toBe(true);
        project.writeConfig("catalog.yaml", splitOf(0, 1, project.config("catalog.yaml")));
        await untilShared(1, 1);
      },
      PROJECT_MS,
    );

    it(
      "after a restart of the engine the rules are there again, and compose brings back what is missing",
      async () => {
        await engine.restart();
        for (const holder of SERVICES.map((name) => `${name}-weft`)) {
          const { Pid } = project.container(holder).State;
          const tables = () => engine.run("nsenter", [`--net=/proc/${Pid}/ns/net`, "nft", "list", "tables"]);
          await until(
            () => tables().includes("table ip weft"),
            PROJECT_MS,
            () => `${holder}: ${tables()}`,
          );
        }
        project.up();
        await project.untilAnswers(isGood);
      },
      PROJECT_MS,
    );
  });
});
