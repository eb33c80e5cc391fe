import { expect, it } from "vitest";
import type { SidecarStatus } from "../discovery/sidecar-status.ts";
import type { CertificatesAnswer } from "../local/api-types.ts";
import { findings, type MeshAnswers } from "./check-findings.ts";

const DAY = 86_400_000;
const NOW = Date.parse("2026-06-01T00:00:00Z");
const at = (ms: number) => new Date(NOW + ms).toISOString();

const sidecar = (id: string, change: Partial<SidecarStatus> = {}): SidecarStatus => ({
  ...{
    id,
    namespace: "default",
    workload: id,
    version: "0.1.0",
    connectedSince: at(0),
    address: "127.0.0.1",
  },
  ...{ ports: {}, state: "synced", change: 1, types: {}, subscriptions: 0, nacks: [], ...change },
});

const certificates = (change: Partial<CertificatesAnswer> = {}): CertificatesAnswer => ({
  ...{ trustDomain: "cluster.local", ca: { kind: "embedded", notAfter: at(3_000 * DAY), phase: "steady" } },
  ...{
    roots: [{ fingerprint: "ab".repeat(32), notAfter: at(3_000 * DAY), isSigning: true }],
    bundle: "",
    items: [],
  },
  ...change,
});

const FINE: MeshAnswers = {
  status: { change: 1, source: { state: "ok", issues: [] } },
  sidecars: [sidecar("web")],
  certificates: certificates(),
  rotation: { phase: "steady", root: "ab", sidecars: 1, lacking: [] },
};

const told = (change: Partial<MeshAnswers>) =>
  findings({ ...FINE, ...change }, NOW)
    .filter(({ severity }) => severity !== "ok")
    .map(({ severity, about, text }) => `${severity} ${about}: ${text}`);

it("has nothing to say of a mesh that is fine, but what was looked at", () => {
  expect(findings(FINE, NOW).map(({ severity, about }) => `${severity} ${about}`)).toEqual([
    "ok files",
    "ok sidecars",
    "ok certificates",
  ]);
});

it.each([
  [
    29,
    "warning certificates: root abababababababab expires in 29 days: 2026-06-30T00:00:00.000Z (warned of at 30 d)",
  ],
  [
    6.5,
    "warning certificates: root abababababababab expires in 6 days: 2026-06-07T12:00:00.000Z (warned of at 7 d)",
  ],
  [
    0.5,
    "warning certificates: root abababababababab expires today: 2026-06-01T12:00:00.000Z (warned of at 1 d)",
  ],
  [-1, "problem certificates: root abababababababab has expired: 2026-05-31T00:00:00.000Z"],
])("a root that ends in %d days", (days, expected) => {
  const roots = [{ fingerprint: "ab".repeat(32), notAfter: at(days * DAY), isSigning: true }];
  expect(told({ certificates: certificates({ roots }) })).toEqual([expected]);
});

it("the intermediate that signs is looked at too, with the operator's remedy", () => {
  const ca = { kind: "operator", notAfter: at(DAY / 2), phase: "steady" } as const;
  const [found] = findings({ ...FINE, certificates: certificates({ ca }) }, NOW).filter(
    ({ severity }) => severity === "warning",
  );
  expect(found?.text).toMatch(/^the certificate that signs expires today/);
  expect(found?.remedy).toContain("--ca-dir");
});

it("certificates that should have been renewed, not those of workloads that are gone", () => {
  const item = {
    identity: "spiffe://cluster.local/ns/default/sa/web",
    serial: "1",
    by: "certificate" as const,
    issuedAt: at(-DAY),
    root: "ab",
    count: 1,
  };
  const items = [
    { ...item, notAfter: at(DAY / 2) },
    { ...item, notAfter: at(1_800_000) },
    { ...item, notAfter: at(-DAY) },
  ];
  expect(told({ certificates: certificates({ items }) })).toEqual([
    `warning certificates: ${item.identity} has not renewed its certificate, which ends ${at(1_800_000)}`,
  ]);
});

it("sidecars that refuse, lag, are gone, or are of several versions", () => {
  const nack = { resource: "default/p", version: "2", message: "what it says", field: "rules", at: at(0) };
  expect(
    told({
      sidecars: [
        sidecar("web", { state: "rejected", nacks: [nack] }),
        sidecar("stock", { state: "stale", version: "0.2.0" }),
        sidecar("old", { state: "disconnected", disconnectedSince: at(-1) }),
      ],
    }),
  ).toEqual([
    "problem sidecars: web refuses default/p (rules): what it says",
    "warning sidecars: stock has not applied the latest yet",
    `warning sidecars: old has been disconnected since ${at(-1)}`,
    "warning sidecars: sidecars run 2 versions of Weft: 0.1.0, 0.2.0",
  ]);
  expect(told({ sidecars: [] })).toEqual(["warning sidecars: no sidecar is connected"]);
});

it("files that are broken, and those that may not be meant so", () => {
  const issue = {
    field: "spec",
    severity: "warning" as const,
    file: "a.yaml",
    line: 1,
    column: 1,
    message: "leads nowhere",
    expected: "",
    found: "",
  };
  const error = { ...issue, severity: "error" as const, message: "is wrong" };
  const [first, second, ...more] = told({
    status: { change: 1, source: { state: "broken", issues: [issue, error] } },
  });
  expect(first).toMatch(/^problem files: a.yaml:1.*is wrong/);
  expect(second).toMatch(/^warning files: a.yaml:1.*leads nowhere/);
  expect(more).toEqual([]);
  const many = Array.from({ length: 15 }, () => issue);
  expect(told({ status: { change: 1, source: { state: "ok", issues: many } } }).at(-1)).toContain(
    "and 5 more",
  );
});

it("a change of the root that waits, and a control plane without CA", () => {
  const rotation = { phase: "reissuing", root: "ab", sidecars: 2, lacking: ["default/web"] } as const;
  expect(told({ rotation })).toEqual([
    "warning certificates: the root is being changed (reissuing); it waits for default/web",
  ]);
  const { certificates: _, rotation: __, ...without } = FINE;
  expect(findings(without, NOW).at(-1)?.text).toContain("has no CA");
});
