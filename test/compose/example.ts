/**
 * The example of deploy/compose: its traffic is encrypted, what is written to its config applies live, and it outlives what is killed of
 * it.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { beginsWithTls } from "./capture.ts";
import { DENY, SERVICES, splitOf, versionOf, WORDS } from "./cases.ts";
import type { Compose } from "./composes.ts";
import { type Engine, until } from "./engine.ts";
import { type Answer, allGood, expectGood, Project } from "./project.ts";

const PROJECT_MS = 90_000;

const isDenied = (answers: readonly Answer[]) =>
  answers.some(({ text }) => text.includes("reviews answered 403"));

/** To be called within a suite. */
export function testExample(engineOf: () => Engine, compose: Compose): void {
  let project: Project;

  beforeAll(async () => {
    project = await Project.example(engineOf(), compose);
    project.up();
    await project.untilAnswers(allGood);
  }, PROJECT_MS);
  // Each step stands on those before it: what they left would hide why the first one failed.
  let hasFailed = false;
  beforeEach((context) => {
    if (hasFailed) context.skip("a step before it has failed");
    context.onTestFailed(() => {
      hasFailed = true;
    });
  });
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
    await project.untilAnswers((answers) => {
      const second = answers.filter((answer) => versionOf(answer) === "v2").length;
      return second >= low * n && second <= high * n;
    }, n);
  }

  it("between services there are TLS records and not a word of theirs", async () => {
    const flows = await project.captured(
      SERVICES.map((name) => `${name}-weft`),
      () => {
        expectGood(project.get(40));
      },
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
      expect(engineOf().status(State.Pid), part).toMatchObject({
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
      await project.untilAnswers(isDenied);
      project.removeConfig("deny.yaml");
      await project.untilAnswers(allGood);
    },
    PROJECT_MS,
  );

  it("who has no identity for it is refused by policy, whatever way it takes", async () => {
    const ask = `fetch("http://stock:8080/stock").then(async (r) => console.log(r.status, await r.text()))`;
    const said = project.compose("exec", "-T", "web", "node", "-e", ask);
    expect(said).toContain("403 RBAC: access denied");
    const around = `fetch("http://${project.address("stock-weft")}:8080/stock").then((r) => console.log(r.status))`;
    expect(project.compose("exec", "-T", "web", "node", "-e", around)).toBe("403\n");
  });

  it(
    "an application that crashes takes nobody with it, and compose brings it back",
    async () => {
      // All traffic is the first version's since the split was shifted.
      project.crash("catalog-v2");
      expectGood(project.get(50));
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
      expectGood(project.get(50));
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
      await project.untilAnswers(isDenied);
      project.compose("restart", "--timeout", "5", "weft-control-plane");
      const remove = "weft wait --control-plane && weft delete authorizationpolicy nobody";
      expect(project.compose("exec", "-T", "weft-control-plane", "sh", "-c", remove)).toContain("deleted");
      await project.untilAnswers(allGood);
    },
    PROJECT_MS,
  );

  it(
    "traffic lives while the control plane is started anew, and config applies after it",
    async () => {
      project.compose("stop", "--timeout", "5", "weft-control-plane");
      expectGood(project.get(50));
      project.compose("start", "weft-control-plane");
      expectGood(project.get(50));
      project.writeConfig("catalog.yaml", splitOf(0, 1, project.config("catalog.yaml")));
      await untilShared(1, 1);
    },
    PROJECT_MS,
  );

  it(
    "after a restart of the engine the rules are there again, and compose brings back what is missing",
    async () => {
      await engineOf().restart();
      for (const holder of SERVICES.map((name) => `${name}-weft`)) {
        const { Pid } = project.container(holder).State;
        const tables = () =>
          engineOf().run("nsenter", [`--net=/proc/${Pid}/ns/net`, "nft", "list", "tables"]);
        await until(
          () => tables().includes("table ip weft"),
          PROJECT_MS,
          () => `${holder}: ${tables()}`,
        );
      }
      project.up();
      await project.untilAnswers(allGood);
    },
    PROJECT_MS,
  );
}
