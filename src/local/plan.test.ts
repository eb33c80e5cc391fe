import { describe, expect, it } from "vitest";
import { addressOverlay, findEntry, type PlannedWorkload, planInstances } from "./plan.ts";

const workload = (name: string, more: Partial<PlannedWorkload> = {}): PlannedWorkload => ({
  namespace: "default",
  name,
  labels: { app: name },
  address: "127.0.0.1",
  serviceAccount: "default",
  ports: { http: 0 },
  env: {},
  command: ["node", "app.ts"],
  ...more,
});
const service = (name: string, more: object = {}) => ({
  namespace: "default",
  name,
  selector: { app: name },
  annotations: {},
  ports: [{ port: 80 }],
  ...more,
});
const counting = () => {
  let next = 20_000;
  return async () => next++;
};

describe("planning a local mesh", () => {
  it("runs the workloads that have a command, each with ports of its own", async () => {
    const elsewhere = workload("database", { address: "10.0.0.9" });
    const { command: _command, ...external } = elsewhere;
    const all = [workload("web", { ports: { http: 8080, admin: 0 } }), external, workload("api")];
    const instances = await planInstances("/mesh", all, [], counting());
    expect(instances.map(({ id }) => id)).toEqual(["default/api", "default/web"]);
    expect(addressOverlay(instances)).toEqual({
      "default/api": { address: "127.0.0.1", ports: { http: 20_000 }, inboundPort: 20_001 },
      "default/web": { address: "127.0.0.1", ports: { http: 8080, admin: 20_005 }, inboundPort: 20_006 },
    });
  });

  it("resolves the working directory against the directory of the resources", async () => {
    const all = [
      workload("a"),
      workload("b", { workingDirectory: "sub" }),
      workload("c", { workingDirectory: "/x" }),
    ];
    const instances = await planInstances("/mesh", all, [], counting());
    expect(instances.map((i) => i.workingDirectory)).toEqual(["/mesh", "/mesh/sub", "/x"]);
  });

  it("gives an instance the services of its namespace", async () => {
    const services = [service("web"), service("other", { namespace: "shop" })];
    const [instance] = await planInstances("/mesh", [workload("web")], services, counting());
    expect(instance?.services.map(({ name }) => name)).toEqual(["web"]);
  });

  it("starts the trickle at the annotated service that runs here", async () => {
    const instances = await planInstances("/mesh", [workload("web")], [], counting());
    const annotated = { annotations: { "weft.dev/trickle": "hello" } };
    const services = [service("api", annotated), service("web", annotated)];
    expect(findEntry(services, instances)).toMatchObject({ path: "/hello", service: { name: "web" } });
    expect(findEntry([service("web")], instances)).toBeUndefined();
    expect(findEntry([service("web", { ...annotated, selector: {} })], instances)).toBeUndefined();
  });
});
