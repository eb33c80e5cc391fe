/** `weft inject docker-compose.yml`: what comes out, as golden files and as what must hold of it. No engine runs here. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readFlags } from "../../src/cli/sidecar-flags.ts";
import { loadFiles } from "../../src/resources/load.ts";
import { weft } from "../harness/weft.ts";

const EXAMPLE = join(import.meta.dirname, "../../deploy/compose");

interface Project {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** What the control plane is given, as the shell gives it. */
function meshOf({ services }: Project): readonly string[] {
  const documents = services["weft-control-plane"]?.["command"] as readonly string[];
  return documents.map((document) => document.replaceAll("$$", "$"));
}

async function injected(services: object, more: object = {}): Promise<{ project: Project; stderr: string }> {
  const { code, stdout, stderr } = await weft(JSON.stringify({ services, ...more }), "inject", "-");
  if (code !== 0) throw new Error(stderr);
  return { project: JSON.parse(stdout) as Project, stderr };
}

const example = () => readFileSync(join(EXAMPLE, "docker-compose.yml"), "utf8");

describe("the example", () => {
  it("is as the golden file", async () => {
    const { stdout } = await weft(example(), "inject", "-");
    await expect(stdout).toMatchFileSnapshot("golden/example.yaml");
  });
  it("twice is once", async () => {
    const { stdout } = await weft(example(), "inject", "-");
    expect((await weft(stdout, "inject", "-")).stdout).toBe(stdout);
  });
  it("gives the control plane a mesh without a mistake, together with what is in its config", async () => {
    const { stdout } = await weft(example(), "inject", "-");
    const text = meshOf(parse(stdout) as Project).join("\n---\n");
    const own = { name: "catalog.yaml", text: readFileSync(join(EXAMPLE, "config/catalog.yaml"), "utf8") };
    const { resources, issues } = loadFiles([{ name: "compose.yaml", text }, own]);
    expect(issues).toEqual([]);
    expect(resources.map(({ kind }) => kind).filter((kind) => kind === "Workload")).toHaveLength(5);
  });
  it("starts nothing before what it needs, and needs nothing that is not there", async () => {
    const { services } = parse((await weft(example(), "inject", "-")).stdout) as Project;
    const walk = (name: string, seen: readonly string[] = []): void => {
      expect(seen, `${seen.join(" → ")} → ${name}`).not.toContain(name);
      const service = services[name];
      expect(service, name).toBeDefined();
      const shared = /^service:(.+)$/.exec(String(service?.["network_mode"] ?? ""))?.[1];
      const needed = Object.keys((service?.["depends_on"] ?? {}) as object);
      for (const other of shared === undefined ? needed : [shared, ...needed]) walk(other, [...seen, name]);
    };
    for (const name of Object.keys(services)) walk(name);
  });
  it("its sidecars are given what weft sidecar takes", async () => {
    const { services } = parse((await weft(example(), "inject", "-")).stdout) as Project;
    const sidecars = Object.entries(services).filter(([name]) => name.endsWith("-weft-sidecar"));
    expect(sidecars).toHaveLength(5);
    for (const [name, { environment, user, cap_drop }] of sidecars) {
      expect(readFlags([], environment as Record<string, string>).get("workload")).toBe(
        `default/${name.replace("-weft-sidecar", "")}`,
      );
      expect([user, cap_drop]).toEqual(["1337:1337", ["ALL"]]);
    }
  });
});

describe("what belongs to the network goes to who holds it", () => {
  const fields = {
    ports: ["127.0.0.1:8080:80", "53:53/udp", { target: 443, published: "8443" }],
    expose: ["9000-9002"],
    hostname: "Front.End",
    container_name: "front",
    dns: "198.18.0.1",
    extra_hosts: ["legacy:198.18.0.9"],
    networks: { back: { aliases: ["frontend"], priority: 5 } },
    sysctls: ["net.core.somaxconn=1024", "kernel.shmmax=1"],
    command: ["serve"],
    labels: { tier: "front" },
    depends_on: { db: { condition: "service_healthy", restart: true } },
  };
  const services = {
    web: { image: "web", ...fields },
    db: { image: "db", expose: [5432] },
    job: { links: ["web:www"] },
  };

  it("and the rest stays", async () => {
    const { project } = await injected(services);
    expect(project.services["web"]).toEqual({
      image: "web",
      container_name: "front",
      command: ["serve"],
      sysctls: { "kernel.shmmax": "1" },
      network_mode: "service:web-weft",
      labels: { tier: "front", "weft.dev/network": expect.stringMatching(/^[0-9a-f]{12}$/) },
      depends_on: {
        db: { condition: "service_healthy", restart: true },
        "web-weft-ready": { condition: "service_completed_successfully" },
      },
    });
    expect(project.services["web-weft"]).toMatchObject({
      ports: fields.ports,
      expose: fields.expose,
      hostname: "Front.End",
      dns: "198.18.0.1",
      extra_hosts: fields.extra_hosts,
      sysctls: { "net.core.somaxconn": "1024" },
      networks: {
        back: { priority: 5 },
        weft: { aliases: ["web", "front", "Front.End", "frontend", "www"], ipv4_address: "198.18.255.10" },
      },
    });
  });
  it("the control plane knows the ports, and which are called from outside", async () => {
    const { project } = await injected(services);
    const documents = meshOf(project).map(
      (text) =>
        JSON.parse(text) as {
          kind: string;
          metadata: { name: string };
          spec: { ports?: object; portLevelMtls?: object };
        },
    );
    const of = (kind: string, name: string) =>
      documents.find((one) => one.kind === kind && one.metadata.name === name)?.spec;
    expect(Object.values(of("Workload", "web")?.ports ?? {})).toEqual([80, 443, 9000, 9001, 9002]);
    expect(Object.keys(of("PeerAuthentication", "web-published")?.portLevelMtls ?? {})).toEqual([
      "80",
      "443",
    ]);
    expect(of("PeerAuthentication", "db-published")).toBeUndefined();
    expect(of("Service", "job")).toBeUndefined();
  });
  it("and the network that each service has unless it names one is none of them", async () => {
    const { project, stderr } = await injected({ a: { expose: [80], networks: { default: null } } });
    expect(project.services["a-weft"]?.["networks"]).toEqual({
      weft: { aliases: ["a"], ipv4_address: "198.18.255.10" },
    });
    expect(stderr).not.toContain("other networks");
  });
  it("what was there beside services stays", async () => {
    const { project } = await injected(
      { a: { expose: [1] } },
      { volumes: { data: { external: true } }, networks: { back: {} } },
    );
    expect(project.volumes).toMatchObject({ data: { external: true }, "a-weft": {} });
    expect(project.networks).toMatchObject({
      back: {},
      weft: { ipam: { config: [{ subnet: "198.18.255.0/24" }] } },
    });
  });
});

it("who shares a network is made anew with who holds it, and with nobody else", async () => {
  const marks = async (web: object) => {
    const { project } = await injected({ web: { expose: [80], ...web }, db: { expose: [5432] } });
    const names = ["web", "web-weft-sidecar", "web-weft-ready", "db", "weft-tokens"];
    return names.map((name) => JSON.stringify(project.services[name]?.["labels"]));
  };
  const before = await marks({});
  expect(await marks({ command: ["serve"], labels: {} })).toEqual(before);
  const after = await marks({ ports: ["8080:80"] });
  expect(after.map((mark, i) => mark === before[i])).toEqual([false, false, false, true, false]);
});

it("who has no network of its own has no sidecar, and shares that of the holder", async () => {
  const { project, stderr } = await injected({
    web: { expose: [80] },
    host: { network_mode: "host" },
    old: { network_mode: "bridge" },
    none: { network_mode: "none" },
    beside: { network_mode: "service:web", labels: ["own"] },
    besideHost: { network_mode: "service:host" },
  });
  expect(project.services["host"]).toEqual({ network_mode: "host" });
  expect(project.services["beside"]).toEqual({
    network_mode: "service:web-weft",
    labels: ["own", project.services["web"]?.["labels"]].flatMap((label) =>
      typeof label === "string" ? [label] : Object.entries(label as object).map((entry) => entry.join("=")),
    ),
  });
  expect(project.services["besideHost"]).toEqual({ network_mode: "service:host" });
  expect(Object.keys(project.services).filter((name) => name.endsWith("-sidecar"))).toEqual([
    "web-weft-sidecar",
  ]);
  expect(stderr).toContain("host: no sidecar: network_mode is host");
  expect(stderr).toContain("old: no sidecar: network_mode is bridge");
});

it("says which ports it can't read, and who can't be called", async () => {
  const variable = (text: string) => ["$", "{", text, "}"].join("");
  const ports = [`${variable("PORT:-80")}:8080`, `80:${variable("PORT")}`];
  const { stderr } = await injected({ a: { ports }, b: {} });
  expect(stderr).toContain(`a: ports: ${JSON.stringify(ports[1])} names no port that can be read`);
  expect(stderr).toContain("b: it names no port");
  expect(stderr).not.toContain(":8080");
});

it("what has a profile starts with its sidecar, and not before", async () => {
  const { project } = await injected({ a: { expose: [80], profiles: ["debug"] }, b: { expose: [80] } });
  const profiled = Object.entries(project.services).filter(([, { profiles }]) => profiles !== undefined);
  expect(profiled.map(([name]) => name)).toEqual(["a", "a-weft", "a-weft-sidecar", "a-weft-ready"]);
});

it("says whose traffic passes the sidecar by", async () => {
  const { stderr } = await injected({ a: { user: "0:1337" }, b: { user: 1337 }, c: { user: "13370" } });
  expect(stderr.match(/\w: user or group 1337/g)).toEqual(["a: user or group 1337", "b: user or group 1337"]);
});

describe("refuses, with file, line and field", () => {
  it.each([
    [
      "services:\n  a: { deploy: { replicas: 3 } }\n",
      /^stdin:2:\d+: error: services\.a\.deploy: must be one replica/,
    ],
    ["services:\n  a: { scale: 2 }\n", /^stdin:2:\d+: error: services\.a\.scale: must be one replica/],
    [
      "services:\n  a_b: {}\n  A-b: {}\n",
      /^stdin:3:\d+: error: services\.A-b: must be a name that differs from a_b/,
    ],
    [
      "services:\n  a: { extends: { service: b } }\n",
      /^stdin:2:\d+: error: services\.a\.extends: must be written out, which "docker compose config" does/,
    ],
    [
      "include: [other.yml]\nservices:\n  a: {}\n",
      /^stdin:1:\d+: error: include: must be written out, which "docker compose config" does/,
    ],
    ["include: [other.yml]\n", /^stdin:1:\d+: error: include: must be written out/],
    ["services:\n  a: 1\n", /^stdin:2:\d+: error: services\.a: must be a map/],
    [
      "services:\n  a: {}\n  a-weft-ready: {}\n",
      /^stdin:3:\d+: error: services\.a-weft-ready: must be a name/,
    ],
  ])("%j", async (text, message) => {
    const { code, stdout, stderr } = await weft(text, "inject", "-");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });
  it("addresses that are none", async () => {
    expect((await weft("", "inject", "-", "--compose-addresses", "10.0")).code).toBe(2);
  });
});
