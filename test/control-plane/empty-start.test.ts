/** A control plane that comes back with nothing takes nothing away from the sidecars that resume (hostile.md 55). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { Compiler } from "../../src/control-plane/compile/compiler.ts";
import { Plane } from "../../src/control-plane/plane.ts";
import { FileSource } from "../../src/control-plane/source/files.ts";
import type { DiscoveryResponse } from "../../src/discovery/messages.ts";
import { DiscoveryServer } from "../../src/discovery/server.ts";
import { nodeOf } from "../harness/node.ts";

const NODE = nodeOf("default/web");
const SERVICE = "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }\n";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

it("an empty directory says nothing until there is a resource in it; emptied later, it is believed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-empty-"));
  closers.push(() => rmSync(directory, { recursive: true }));
  const compiler = new Compiler();
  const discovery = new DiscoveryServer(compiler);
  const plane = new Plane(new FileSource(directory), compiler, discovery);
  closers.push(() => plane.close());
  plane.start((error) => expect.fail(error.message));

  const sent: DiscoveryResponse[] = [];
  const stream = discovery.open(
    (message) => message.kind === "discovery" && sent.push(message.response),
    () => {},
  );
  const names = ["a.default:80", "b.default:80"];
  const held = { "a.default:80": "1", "b.default:80": "1" };
  stream.receive({
    kind: "discovery",
    request: { node: NODE, type: "endpoints", subscribe: names, initialVersions: held },
  });
  expect(sent).toEqual([]);

  const file = join(directory, "mesh.yaml");
  writeFileSync(file, SERVICE);
  await expect
    .poll(() => sent)
    .toMatchObject([
      { resources: [{ name: "a.default:80", resource: { endpoints: [] } }], removed: ["b.default:80"] },
    ]);
  stream.receive({ kind: "discovery", request: { type: "endpoints", nonce: sent[0]?.nonce ?? "" } });
  rmSync(file);
  await expect.poll(() => sent[1]?.removed).toEqual(["a.default:80"]);
});
