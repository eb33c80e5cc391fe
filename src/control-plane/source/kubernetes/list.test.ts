import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { apiOf } from "./api.ts";
import { listAll } from "./list.ts";

it("is of the first page's version where later ones are newer: what changed between them is watched for", async () => {
  const versions = ["10", "12", "11"];
  let page = 0;
  const server = http.createServer((_request, response) => {
    const metadata = { resourceVersion: versions[page], ...(page < 2 && { continue: `page ${page + 1}` }) };
    page++;
    response.end(JSON.stringify({ metadata, items: [{ metadata: { name: `o${page}` } }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api = apiOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    applyToHTTPSOptions: async () => {},
  });
  const taken: unknown[] = [];
  const listed = await listAll(api, "/api/v1/pods", AbortSignal.timeout(10_000), (object) =>
    taken.push(object),
  );
  server.close();
  expect(taken).toHaveLength(3);
  expect(listed).toEqual({ kind: "listed", version: "10" });
});
