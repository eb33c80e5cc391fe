/** What the control plane asks of the API server is what it is installed with the right to do; what it may, it does. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Log } from "../../src/control-plane/log.ts";
import { BundleKeeper } from "../../src/control-plane/source/kubernetes/bundle-keeper.ts";
import { CaSecret } from "../../src/control-plane/source/kubernetes/ca-secret.ts";
import { Election } from "../../src/control-plane/source/kubernetes/election.ts";
import { REPLICAS_NAME, Replicas } from "../../src/control-plane/source/kubernetes/replicas.ts";
import { TOKEN_USES_NAME } from "../../src/control-plane/source/kubernetes/shared-token-uses.ts";
import { StatusKeeper } from "../../src/control-plane/source/kubernetes/status-keeper.ts";
import { clusterRules, ownRules } from "../../src/install/access.ts";
import { CA_SECRET, NAME, REPLICAS, TOKEN_USES } from "../../src/install/settings.ts";
import { pluralOf } from "../../src/resources/plural.ts";
import type { ApiServer } from "../kubernetes/source/api-server.ts";
import { newCluster, pathOf, SECRETS, service } from "../kubernetes/source/cluster.ts";
import { apiTo, openSource, until } from "../kubernetes/source/harness.ts";

let server: ApiServer;
beforeEach(async () => {
  server = newCluster();
  await server.listen();
});
afterEach(() => server.close());

interface Asked {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** After https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb. */
function askedBy(request: string): Asked {
  const [method = "", target = ""] = request.split(" ");
  const url = new URL(target, "http://localhost");
  const path =
    /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/(status))?$/.exec(
      url.pathname,
    );
  const [, group = "", namespace, plural = "", name, status] = path ?? [];
  const read = name !== undefined ? "get" : url.searchParams.has("watch") ? "watch" : "list";
  const verbs: Record<string, string> = { GET: read, POST: "create", PUT: "update", PATCH: "patch" };
  const resource = status === undefined ? plural : `${plural}/${status}`;
  return { verb: verbs[method] ?? method, group, resource, namespace, name };
}

type Rules = ReturnType<typeof clusterRules>;

const covers = (rules: Rules, { verb, group, resource, name }: Asked) =>
  rules.filter(
    (rule) =>
      rule.apiGroups.includes(group) &&
      rule.resources.includes(resource) &&
      rule.verbs.includes(verb) &&
      (rule.resourceNames === undefined || rule.resourceNames.includes(name ?? "")),
  );

it("asks for nothing that it may not, and may nothing that it does not ask for", async () => {
  server.put(pathOf("Service"), service("web"));
  const parentRefs = [{ group: "", kind: "Service", name: "web" }];
  server.put(pathOf("HTTPRoute"), {
    metadata: { name: "r", namespace: "default" },
    spec: { parentRefs, rules: [] },
  });
  const limits = [{ requests: 1, per: "1s" }];
  server.put(pathOf("RateLimit"), {
    metadata: { name: "l", namespace: "default" },
    spec: { targetRef: { name: "web" }, limits },
  });
  const { source } = openSource(server);
  await source.synced;
  source.rescan();
  const api = apiTo(server);
  const elections = ["a", "b"].map(
    (identity) =>
      new Election({
        api,
        namespace: "weft-system",
        name: NAME,
        identity,
        onChange: () => {},
        onError: () => {},
        lookMs: 5,
      }),
  );
  for (const election of elections) election.start();
  expect(await until(() => elections.some(({ isLeader }) => isLeader))).toBe(true);
  const common = { api, isLeader: () => true, onError: () => {} };
  const progress = (change: number) => ({
    change,
    state: "applied" as const,
    concerned: 0,
    applied: 0,
    rejected: [],
  });
  const statuses = new StatusKeeper({ ...common, source, progress });
  statuses.released(1);
  await statuses.look();
  server.put(SECRETS, { metadata: { name: CA_SECRET, namespace: "weft-system" }, type: "Opaque" });
  const log = { info() {}, warn() {}, error() {} } as unknown as Log;
  const secret = new CaSecret({ ...common, namespace: "weft-system", name: CA_SECRET, log });
  await secret.open(() => "a CA");
  for (const id of ["1", "2"]) await secret.tokenUses.redeem(id, 2, 1, 1);
  const replicas = new Replicas({ ...common, namespace: "weft-system", identity: "a" });
  for (let look = 0; look < 3; look++) await replicas.look();
  await replicas.close();
  const bundles = new BundleKeeper({ ...common, namespaces: () => ["default"], read: () => "ROOT" });
  await bundles.look();
  await bundles.look();
  await until(() => server.urls.filter((url) => url.includes("watch=true")).length >= source.kinds.length);
  source.close();
  await Promise.all(elections.map((election) => election.close()));

  const asked = server.urls.map(askedBy);
  const refused = asked.filter((one) => {
    const own = one.namespace === "weft-system" ? covers(ownRules({}), one) : [];
    return covers(clusterRules(), one).length + own.length === 0;
  });
  expect(refused).toEqual([]);

  // What only others ask for: reviews of tokens, the webhook's registration; a server-side apply that makes something.
  const elsewhere = ["tokenreviews", "mutatingwebhookconfigurations"];
  const unused = [...clusterRules(), ...ownRules({})].flatMap((rule) =>
    rule.resources.flatMap((resource) =>
      rule.verbs.flatMap((verb) => {
        const isAsked = asked.some((one) => one.resource === resource && one.verb === verb);
        return isAsked || elsewhere.includes(resource) ? [] : [`${verb} ${resource}`];
      }),
    ),
  );
  const statusesOfOthers = (
    [
      "Workload",
      "TCPRoute",
      "TrafficPolicy",
      "FaultInjection",
      "MeshConfig",
      "PeerAuthentication",
      "RequestAuthentication",
      "AuthorizationPolicy",
    ] as const
  ).map((kind) => `patch ${pluralOf(kind)}/status`);
  expect(unused.filter((one) => !statusesOfOthers.includes(one))).toEqual([]);
});

it("reads no Secret but its own: the operator's CA is mounted", () => {
  const secrets = (caSecret?: string) =>
    ownRules(caSecret === undefined ? {} : { caSecret }).filter(({ resources }) =>
      resources.includes("secrets"),
    );
  expect(secrets()).toEqual([
    { apiGroups: [""], resources: ["secrets"], resourceNames: [CA_SECRET], verbs: ["get", "update"] },
  ]);
  expect(secrets("your-ca")).toEqual([]);
  expect(clusterRules().filter(({ resources }) => resources.includes("secrets"))).toEqual([]);
});

it("names things as the control plane does", () => {
  expect([REPLICAS, TOKEN_USES]).toEqual([REPLICAS_NAME, TOKEN_USES_NAME]);
});
