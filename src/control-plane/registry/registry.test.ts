/** What a registry tells other replicas, and when. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { registering } from "../../../test/harness/node.ts";
import type { ReplicaWord } from "../shared-root.ts";
import { FileSource } from "../source/files.ts";
import { openRegistry } from "./registry.ts";

it("tells others of its own, hurries when somebody comes or goes, and says once that there are too many", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-registry-"));
  const warnings: unknown[] = [];
  let [changes, hurries] = [0, 0];
  let own: () => unknown = () => undefined;
  let hear: (words: readonly ReplicaWord[], now: number) => void = () => {};
  const write = () => {};
  const { source, registrations, share, close } = openRegistry(new FileSource(directory), {
    file: undefined,
    peers: {
      tellRegistrants: (...both) => {
        [own, hear] = both;
      },
      hurry: () => void hurries++,
    },
    log: { debug: write, info: write, error: write, warn: (fields) => void warnings.push(fields) },
    onChange: () => void changes++,
  });
  const told = () => Object.keys(own() as object);
  registrations.arrived(registering());
  expect([changes, hurries]).toEqual([0, 0]);
  share();
  expect(told()).toEqual(["default/one"]);
  hear([{ replica: "b", registrants: { "default/two": entry() }, isOver: false }], 0);
  expect(told()).toEqual(["default/one"]);
  expect(source.instances.get("default/two")?.spec.address).toBe("10.0.0.9");
  expect([...source.moved().workloads]).toEqual(["default/one", "default/two"]);
  expect([changes, hurries]).toEqual([1, 1]);

  const many = Array.from({ length: 1_000 }, (_, n) => registering(`web-${n}`));
  for (const node of many) registrations.arrived(node);
  const leftOut = 1_001 - told().length;
  expect(leftOut).toBeGreaterThan(500);
  told();
  expect(warnings).toEqual([{ leftOut }]);
  for (const node of many) registrations.leaving(node);
  expect(told()).toEqual(["default/one"]);
  for (const node of many) registrations.arrived(node);
  told();
  expect(warnings).toEqual([{ leftOut }, { leftOut }]);

  const before = changes;
  close();
  registrations.leaving(registering());
  expect(changes).toBe(before);
  source.close();
  rmSync(directory, { recursive: true });
});

function entry(): object {
  const { service, serviceAccount, labels, ports } = registering();
  return { service, serviceAccount, labels, address: "10.0.0.9", ports };
}
