/** A right document of each of Weft's kinds, with as many fields as can stand together: what `mutants.ts` makes wrong ones of. */
import type { Kind } from "../../../src/resources/resource.ts";

type Spec = Readonly<Record<string, unknown>>;

const targetRef = { group: "", kind: "Service", name: "web" };
const match = {
  path: { type: "PathPrefix", value: "/a" },
  method: "GET",
  headers: [{ type: "Exact", name: "x-a", value: "1" }],
  queryParams: [{ type: "RegularExpression", name: "q", value: "a+" }],
};
const selector = { matchLabels: { app: "web", "example.com/tier": "front" } };
const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };

export const SPECS: readonly (readonly [kind: Kind, spec: Spec])[] = [
  [
    "Workload",
    {
      ...{ address: "192.0.2.1", ports: { http: 8080, auto: null }, inboundPort: 15006, intercepted: true },
      ...{ serviceAccount: "web", weight: 3, zone: "a", command: ["node", "x.js"], workingDir: "app" },
      env: { PORT: "$PORT" },
    },
  ],
  [
    "TrafficPolicy",
    {
      targetRef,
      loadBalancer: {
        ...{ policy: "ringHash", hash: { header: "x-user" }, hashBalanceFactor: 150, panicThreshold: 0 },
        prefersZone: false,
      },
      sticky: { sourceAddress: true },
      connectionPool: {
        ...{
          idleTimeout: "1h",
          maxConnections: 4_294_967_295,
          maxPendingRequests: 1,
          maxRequests: 2,
          maxRetries: 0,
        },
        ...{ maxRequestsPerConnection: 0, maxConnectionAge: "1h30m", keepalive: "0s", prewarm: 1 },
      },
      adaptiveConcurrency: {
        ...{
          updateInterval: "100ms",
          minRttInterval: "60s",
          minRttRequests: 50,
          minConcurrency: 3,
          buffer: 25,
        },
        maxConcurrency: 1_000,
      },
      outlierDetection: {
        ...{ consecutive5xx: 5, consecutiveGatewayErrors: 5, interval: "10s", baseEjectionTime: "30s" },
        ...{ maxEjectionTime: "300s", maxEjectionPercent: 10 },
        successRate: { minimumHosts: 5, requestVolume: 100, stdevFactor: 1_900 },
        failurePercentage: { threshold: 85, minimumHosts: 5, requestVolume: 50 },
      },
      mirrorComparison: {
        ...{ headers: ["content-type"], body: "json", ignore: ["/items/*/at"], maxBodyBytes: 1, sample: 1 },
        showValues: false,
      },
      priority: {
        class: "critical",
        routes: [{ name: "r", class: "default" }],
        headers: [{ name: "x-p", value: "1", class: "sheddable" }],
      },
      retry: {
        ...{
          attempts: 3,
          retryOn: ["5xx", "retriable-status-codes", "retriable-headers"],
          statusCodes: [503],
        },
        ...{
          headers: ["x-again"],
          perTryTimeout: "1s",
          backoff: "25ms",
          maxBackoff: "250ms",
          retryAfterMax: "0s",
        },
        ...{ nonIdempotent: true, hedge: { delay: "10ms" } },
      },
      retryBudget: { percent: 20, minConcurrency: 3, minPerSecond: 10 },
      healthCheck: {
        http: { path: "/healthz?full=1", host: "web:80", expectedStatuses: ["200-299", 404] },
        ...{ port: 80, interval: "10s", timeout: "1s", unhealthyThreshold: 3, healthyThreshold: 2 },
      },
      timeouts: { connect: "2s", request: "10s", backendRequest: "5s" },
    },
  ],
  [
    "TrafficPolicy",
    {
      targetRef: { name: "web" },
      loadBalancer: { policy: "leastRequest", slowStart: { window: "30s", minWeight: 10 } },
      sticky: { cookie: "session" },
      retry: { hedge: { percentile: 95 } },
      healthCheck: { grpc: { service: "shop.v1.Catalog" } },
    },
  ],
  ["TrafficPolicy", { targetRef: { name: "web" }, sticky: { query: "user" }, healthCheck: { tcp: {} } }],
  [
    "RateLimit",
    {
      targetRef,
      limits: [
        { name: "all", match: [match], requests: 5, per: "1s", burst: 10, scope: "mesh" },
        {
          name: "each",
          requests: 1,
          per: "1m",
          key: [{ header: "x-user" }, { pathTemplate: "/users/{id}" }],
        },
        {
          name: "who",
          requests: 1,
          per: "1m",
          key: [{ identity: true }, { sourceAddress: true, identity: false }],
        },
      ],
    },
  ],
  [
    "FaultInjection",
    {
      targetRef,
      faults: [
        {
          ...{ name: "slow", match: [match], routes: ["r"], percent: 10, delay: { min: "0s", max: "2s" } },
          from: [{ source: { principals: ["*/sa/web"], notNamespaces: ["shop"] } }],
          slowBody: { bytesPerSecond: 10 },
        },
        { fraction: { numerator: 1, denominator: 1_000 }, delay: { fixed: "1s" }, abort: { grpcStatus: 14 } },
        { fraction: { numerator: 100 }, abort: { grpcStatus: "UNAVAILABLE" } },
        { abort: { status: 503 } },
        { abort: { reset: true } },
      ],
    },
  ],
  [
    "PeerAuthentication",
    { selector, mtls: { mode: "STRICT" }, portLevelMtls: { "8080": { mode: "DISABLE" }, "65535": {} } },
  ],
  [
    "RequestAuthentication",
    {
      selector,
      jwtRules: [
        {
          ...{ issuer: "https://a.example", audiences: ["web"], jwks: JSON.stringify({ keys: [key] }) },
          ...{ fromHeaders: [{ name: "x-token", prefix: "Bearer " }], fromParams: ["token"] },
          ...{ forwardOriginalToken: true, outputClaimToHeaders: [{ header: "x-sub", claim: "sub" }] },
        },
        { issuer: "b", jwksUri: "https://b.example/keys" },
      ],
    },
  ],
  [
    "AuthorizationPolicy",
    {
      selector,
      action: "DENY",
      rules: [
        {
          from: [
            {
              source: {
                ...{
                  principals: ["cluster.local/ns/a/sa/b"],
                  notPrincipals: ["*"],
                  requestPrincipals: ["i/*"],
                },
                ...{ notRequestPrincipals: ["i/x"], namespaces: ["shop*"], notNamespaces: ["*-test"] },
                ...{ ipBlocks: ["10.0.0.0/8", "::1"], notIpBlocks: ["10.1.2.3"] },
              },
            },
          ],
          to: [
            {
              operation: {
                ...{ hosts: ["web.example:80"], notHosts: ["*.test"], ports: ["80", 81], notPorts: [1] },
                ...{ methods: ["GET"], notMethods: ["P*"], paths: ["/a/{*}/b/{**}"], notPaths: ["*.html"] },
              },
            },
          ],
          when: [
            { key: "request.headers[x-a]", values: ["1"] },
            { key: "source.ip", notValues: ["10.0.0.1"] },
          ],
        },
        {},
      ],
    },
  ],
  [
    "MeshConfig",
    {
      ...{ trustDomain: "a.example", clusterDomain: "cluster.local", outboundPolicy: "REGISTRY_ONLY" },
      ...{ discoveryTimeout: "0s", defaultDeny: true, authorization: { exposeDenials: true } },
      limits: { maxHeadBytes: 65_536, maxHeaders: 100 },
      timeouts: { headers: "10s", streamIdle: "5m", connectionIdle: "1h" },
      overload: { loopDelay: "100ms", memory: 80 },
      telemetry: { metricPrefix: "istio" },
    },
  ],
];
