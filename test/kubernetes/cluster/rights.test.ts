/**
 * A control plane with the rights of its manifests, at a real API server: they are enough, as the server's audit log shows, and nothing is
 * given that it does not use. What it writes is there for kubectl.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterRules, ownRules } from "../../../src/install/access.ts";
import { DEFAULT_INSTALL } from "../../../src/install/settings.ts";
import { requires } from "../../harness/requires.ts";
import { weft } from "../../harness/weft.ts";
import { readAudit } from "./audit.ts";
import {
  ACCOUNT,
  enrolBy,
  enrolWith,
  install,
  leadWebhookTo,
  type PlaneProcess,
  startPlane,
} from "./control-plane.ts";
import { SPECS } from "./documents.ts";
import { clusterOfSuite } from "./suite.ts";

const WAIT = { timeout: 15_000, interval: 100 };
/** A Lease is another's 15 s after its holder has gone without a word. */
const TAKEOVER = { timeout: 30_000, interval: 200 };

requires("kubernetes")("a control plane with the rights of its manifests", () => {
  const planes: PlaneProcess[] = [];
  const suite = clusterOfSuite({ audited: ACCOUNT }, async (own) => {
    await install(own);
    for (const name of ["a", "b"]) planes.push(await startPlane(own, name));
    await leadWebhookTo(planes[0] as PlaneProcess, own);
  });
  afterAll(() => Promise.all(planes.map((plane) => plane.stop())));

  /** Of the Lease, before the leader dies. */
  let last = "";
  const holder = () =>
    get("lease", "weft-control-plane", "-n", "weft-system", "-o", "jsonpath={.spec.holderIdentity}");
  const isLeading = ({ log }: PlaneProcess) => /this replica leads/.test(log());
  const get = async (...what: string[]) => (await suite.kubectl("get", ...what)).trim();

  it("writes the trust bundle into the namespaces of people", async () => {
    await suite.kubectl("create", "namespace", "shop");
    const names = () =>
      get(
        "configmaps",
        "-A",
        "--field-selector=metadata.name=weft-trust-bundle",
        "-o",
        "jsonpath={.items[*].metadata.namespace}",
      );
    await expect.poll(names, WAIT).toBe("default shop weft-system");
    expect(
      await get("configmap", "weft-trust-bundle", "-n", "shop", "-o", "jsonpath={.data.trust-bundle\\.pem}"),
    ).toContain("BEGIN CERTIFICATE");
  });

  it("tells the webhook's CA, which applying the manifests again leaves alone", async () => {
    const bundle = () =>
      get("mutatingwebhookconfiguration", "weft", "-o", "jsonpath={.webhooks[0].clientConfig.caBundle}");
    await expect.poll(bundle, WAIT).not.toBe("");
    const before = await bundle();
    const said = await suite.kubectl.given((await weft("", "install")).stdout, "apply", "-f", "-");
    expect(said).toMatch(/mutatingwebhookconfiguration\S+ configured/);
    expect(await bundle()).toBe(before);
    await leadWebhookTo(planes[0] as PlaneProcess, suite);
  });

  describe("says in the status what became of", () => {
    const conditions = async (...what: string[]) => {
      const path = "jsonpath={range .status.conditions[*]}{.type} {.status} {.observedGeneration}, {end}";
      return (await get(...what, "-o", path)).split(/, ?/).filter(Boolean).sort();
    };

    it("a RateLimit, which kubectl can wait for", async () => {
      await suite.kubectl("create", "service", "clusterip", "web", "--tcp=80:8080", "-n", "shop");
      const limit = (requests: number, pathTemplate: string) =>
        JSON.stringify({
          ...{
            apiVersion: "weft.dev/v1alpha1",
            kind: "RateLimit",
            metadata: { name: "login", namespace: "shop" },
          },
          spec: { targetRef: { name: "web" }, limits: [{ requests, per: "1s", key: [{ pathTemplate }] }] },
        });
      await suite.kubectl.given(limit(5, "/users/{id}"), "apply", "-f", "-");
      await suite.kubectl(
        "wait",
        "--for=condition=Programmed",
        "--timeout=15s",
        "-n",
        "shop",
        "ratelimit/login",
      );
      const what = ["ratelimit", "login", "-n", "shop"];
      expect(await conditions(...what)).toEqual([
        "Accepted True 1",
        "Programmed True 1",
        "ResolvedRefs True 1",
      ]);
      expect(await get("ratelimits", "-A")).toMatch(/ACCEPTED +PROGRAMMED(?:.|\n)*login +True +True/);
      // What a definition can't say: no segment is named.
      await suite.kubectl.given(limit(5, "/users"), "apply", "-f", "-");
      await expect
        .poll(() => conditions(...what), WAIT)
        .toEqual(["Accepted False 2", "Programmed False 2", "ResolvedRefs True 1"]);
      await suite.kubectl.given(limit(6, "/users/{id}"), "apply", "-f", "-");
      await expect
        .poll(() => conditions(...what), WAIT)
        .toEqual(["Accepted True 3", "Programmed True 3", "ResolvedRefs True 3"]);
    });

    it("an HTTPRoute, beside what others say", async () => {
      const route = {
        ...{
          apiVersion: "gateway.networking.k8s.io/v1",
          kind: "HTTPRoute",
          metadata: { name: "r", namespace: "shop" },
        },
        spec: {
          parentRefs: [{ group: "", kind: "Service", name: "web", port: 80 }],
          rules: [{ backendRefs: [{ name: "nobody", port: 80 }] }],
        },
      };
      await suite.kubectl.given(JSON.stringify(route), "apply", "-f", "-");
      const theirs = {
        ...{ type: "Accepted", status: "True", reason: "Accepted", message: "" },
        ...{ observedGeneration: 1, lastTransitionTime: "2026-01-01T00:00:00Z" },
      };
      const status = {
        conditions: [theirs],
        controllerName: "example.com/other",
        parentRef: { name: "web", kind: "Service", group: "" },
      };
      const patch = [{ op: "add", path: "/status/parents/-", value: status }];
      const parents = () =>
        get("httproute", "r", "-n", "shop", "-o", "jsonpath={.status.parents[*].controllerName}");
      await expect.poll(parents, WAIT).toBe("weft.dev/control-plane");
      await suite.kubectl(
        "patch",
        "httproute",
        "r",
        "-n",
        "shop",
        "--subresource=status",
        "--type=json",
        "-p",
        JSON.stringify(patch),
      );
      const reason = () =>
        get(
          "httproute",
          "r",
          "-n",
          "shop",
          "-o",
          'jsonpath={.status.parents[?(@.controllerName=="weft.dev/control-plane")].conditions[?(@.type=="ResolvedRefs")].reason}',
        );
      await expect.poll(reason, WAIT).toBe("BackendNotFound");
      await suite.kubectl("create", "service", "clusterip", "nobody", "--tcp=80:8080", "-n", "shop");
      await expect.poll(reason, WAIT).toBe("ResolvedRefs");
      expect((await parents()).split(" ").sort()).toEqual(["example.com/other", "weft.dev/control-plane"]);
    });

    it("a TCPRoute", async () => {
      await suite.kubectl("apply", "-n", "shop", "-f", "config/samples/tcp-route.yaml");
      const ours = '.status.parents[?(@.controllerName=="weft.dev/control-plane")]';
      const path = `jsonpath={${ours}.conditions[?(@.type=="Accepted")].status}`;
      await expect.poll(() => get("tcproute", "db", "-n", "shop", "-o", path), WAIT).toBe("True");
    });

    describe("a resource of each kind", () => {
      const documents = SPECS.map(([kind, spec], i) => {
        const isGlobal = kind === "MeshConfig";
        const name = isGlobal ? "default" : `${kind.toLowerCase()}-${i}`;
        const metadata = { name, ...(isGlobal ? {} : { namespace: "shop" }) };
        return { apiVersion: "weft.dev/v1alpha1", kind, metadata, spec };
      });

      // All at once: what became of them is said once a second.
      beforeAll(async () => {
        const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
        await suite.kubectl.given(text, "apply", "-f", "-");
      });

      it.each(documents)("$kind $metadata.name", async ({ kind, metadata: { name } }) => {
        await expect
          .poll(() => conditions(kind.toLowerCase(), name, "-n", "shop"), WAIT)
          .toContain("Accepted True 1");
      });
    });
  });

  it("has one CA with its other replica, and counts the uses of join tokens with it", async () => {
    const [a, b] = planes as [PlaneProcess, PlaneProcess];
    const api = `http://127.0.0.1:${a.apiPort}`;
    const made = await weft("", "token", "create", "--service-account", "job", "--uses", "2", "--api", api);
    const evidence = { token: made.stdout.trim() };
    for (const plane of [b, a]) expect(await enrolBy(plane, evidence)).toBe("issued");
    expect(await enrolBy(a, evidence)).toMatch(/ false$/);
    const keys = "go-template={{range $key, $_ := .data}}{{$key}} {{end}}";
    expect(await get("secret", "weft-ca", "-n", "weft-system", "-o", keys)).toBe("ca.json token-key");
  });

  it("asks whose a token is", async () => {
    const token = await suite.kubectl("create", "token", "default", "-n", "shop", "--audience", "weft");
    const [plane] = planes;
    expect(plane && (await enrolWith(plane, token.trim()))).toBe("issued");
  });

  it("has one leader, which dies", async () => {
    expect(await holder()).not.toBe("");
    const leads = planes.filter(isLeading);
    expect(leads).toHaveLength(1);
    last = await holder();
    await leads[0]?.kill();
  });

  // While the Lease of the dead one runs out.
  it.each([
    ["list", "secrets"],
    ["list", "secrets", "-n", "weft-system"],
    ["get", "secret/other", "-n", "weft-system"],
    ["get", "secret/weft-ca", "-n", "default"],
    ["delete", "secret/weft-ca", "-n", "weft-system"],
    ["create", "secrets", "-n", "weft-system"],
    ["get", "configmaps", "-n", "weft-system"],
    ["patch", "configmap/coredns", "-n", "kube-system"],
    ["delete", "configmap/weft-trust-bundle"],
    ["create", "pods"],
    ["patch", "ratelimits"],
    ["update", "mutatingwebhookconfiguration/other"],
    ["get", "lease/other", "-n", "weft-system"],
    ["create", "leases", "-n", "kube-system"],
    ["impersonate", "serviceaccounts"],
    ["create", "serviceaccounts/token"],
  ])("may not %s %s", async (...right) => {
    const { stdout } = await suite.kubectl.tried("", "auth", "can-i", ...right, `--as=${ACCOUNT}`);
    expect(stdout.trim()).toBe("no");
  });

  it("has no right that its manifests do not name", async () => {
    const list = await suite.kubectl("auth", "can-i", "--list", `--as=${ACCOUNT}`, "-n", "weft-system");
    const resources = new Set(
      [...clusterRules(), ...ownRules(DEFAULT_INSTALL)].flatMap((rule) => rule.resources),
    );
    const own = list
      .split("\n")
      .slice(1)
      .map((line) => /^([a-z]\S*)/.exec(line)?.[1]?.replace(/^([a-z]+)[a-z.0-9]*\.[^/]*/, "$1"))
      .filter((name) => name !== undefined);
    // What everybody may: ask who they are and what they may.
    const everybody = ["selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"];
    expect(own.filter((name) => !resources.has(name) && !everybody.includes(name))).toEqual([]);
  });

  it("has another leader then", { timeout: 60_000 }, async () => {
    await expect.poll(holder, TAKEOVER).not.toBe(last);
    await expect.poll(() => planes.filter(isLeading), WAIT).toHaveLength(2);
  });

  it("is refused nothing, and uses all that it is given", () => {
    const asked = readAudit(suite.cluster.folder);
    const refused = asked.filter(({ code }) => code === 401 || code === 403);
    expect(refused).toEqual([]);
    for (const { log } of planes) expect(log()).not.toMatch(/forbidden|status 403/i);
    const given = [...clusterRules(), ...ownRules(DEFAULT_INSTALL)].flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    const used = new Set(asked.map(({ verb, resource }) => `${verb} ${resource}`));
    expect(given.filter((right) => !used.has(right))).toEqual([]);
  });
});
