/** The whole mesh with real processes: every sidecar is enrolled, and its root changes under traffic. */
import { afterEach, expect, it } from "vitest";
import { type UpEvent, UpProcess } from "../local/up-process.ts";

let up: UpProcess | undefined;
afterEach(() => up?.dispose());

const json = <T>(text: string) => JSON.parse(text) as T;
const rowsOf = (event: UpEvent) =>
  event["rows"] as readonly { readonly requests: number; readonly failures: number }[];

interface Certificates {
  readonly roots: readonly { readonly fingerprint: string }[];
  readonly items: readonly { readonly identity: string; readonly root: string; readonly by: string }[];
}

it("weft cert rotate-root gives every process another root and loses no request", {
  timeout: 90_000,
}, async () => {
  up = new UpProcess(["--rate", "50"]);
  const started = await up.until(({ event }) => event === "started");
  const before = json<Certificates>((await up.run("cert", "list", "--json")).stdout);
  const workloads = before.items.filter(({ identity }) => identity.includes("/ns/default/"));
  expect(workloads.map(({ by }) => by)).toEqual(["join_token", "join_token", "join_token", "join_token"]);

  const rotated = await up.run("cert", "rotate-root");
  expect(rotated.code, rotated.stderr).toBe(0);
  expect(rotated.stdout).toMatch(/distribute: .*\n.*reissue: .*\n.*retire: .*\n.*done/);
  const after = json<Certificates>((await up.run("cert", "list", "--json")).stdout);
  const [root] = after.roots;
  expect(after.roots).toHaveLength(1);
  expect(root?.fingerprint).not.toBe(before.roots[0]?.fingerprint);
  expect(new Set(after.items.map((item) => item.root))).toEqual(new Set([root?.fingerprint]));

  const [instance] = started["instances"] as { sidecar: { admin: number } }[];
  const certs = await fetch(`http://127.0.0.1:${instance?.sidecar.admin}/certs`);
  expect(await certs.json()).toMatchObject({
    certificate: { root: root?.fingerprint },
    roots: [{ fingerprint: root?.fingerprint }],
    lastFailure: "",
  });

  const token = await up.run("token", "create", "--service-account", "web", "--uses", "2");
  expect(token.code, token.stderr).toBe(0);
  expect(token.stdout).toMatch(/^weft1\.[\w-]+\.[\w-]{43}\n$/);
  expect(token.stderr).toMatch(/sa\/web, 2 times, until /);
  expect((await up.run("token", "create")).code).toBe(2);

  // Each snapshot tells of the last 5 s; what sidecars saw until now is in one that comes 2 s later.
  const isSnapshot = ({ event }: UpEvent) => event === "stats";
  const seen = Number(up.events.findLast(isSnapshot)?.["elapsedMs"] ?? 0);
  await up.until((event) => isSnapshot(event) && Number(event["elapsedMs"]) > seen + 2_000);
  const snapshots = up.events.filter(isSnapshot);
  expect(snapshots.flatMap(rowsOf).filter(({ failures }) => failures > 0)).toEqual([]);
  const last = snapshots.at(-1);
  expect(last).toMatchObject({ trickle: { failed: 0 } });
  expect((last as UpEvent & { trickle: { sent: number } }).trickle.sent).toBeGreaterThan(100);
});
