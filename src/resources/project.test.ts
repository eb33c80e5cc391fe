/** What of an API server's object is read. */
import { expect, it } from "vitest";
import { readDocument } from "./document.ts";
import { projectObject } from "./project.ts";

it("leaves out what the tables of others' kinds do not know, and what is the server's", () => {
  const spec = {
    selector: { app: "a" },
    ports: [{ port: 80, nodePort: 30_000, new: 1 }],
    ipFamilies: ["IPv4"],
  };
  const metadata = { name: "a", namespace: "b", uid: "u", managedFields: [{}], annotations: { x: "y" } };
  const document = projectObject("Service", { metadata, spec, status: { loadBalancer: {} } });
  expect(document).toEqual({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a", namespace: "b" },
    spec: { selector: { app: "a" }, ports: [{ port: 80 }] },
  });
  expect(readDocument(document).problems).toEqual([]);
});

it("keeps annotations that are Weft's", () => {
  const metadata = { name: "a", annotations: { "weft.dev/join": "b", "weft.development/x": "y", x: "y" } };
  const document = projectObject("Service", { metadata, spec: { ports: [{ port: 80 }] } });
  expect(document).toMatchObject({ metadata: { annotations: { "weft.dev/join": "b" } } });
  expect(readDocument(document).problems).toEqual([]);
  for (const annotations of [null, "x", [], {}]) {
    const plain = projectObject("Service", { metadata: { ...metadata, annotations }, spec: {} });
    expect(plain).toMatchObject({ metadata: { name: "a" } });
    expect(plain).not.toHaveProperty("metadata.annotations");
  }
});

it("keeps what is wrong with Weft's own kinds, to be told of", () => {
  const spec = { targetRef: { name: "a" }, limits: [{ requests: 1, per: "1s", unknown: 1 }] };
  const document = projectObject("RateLimit", { metadata: { name: "a", namespace: "b" }, spec });
  expect(readDocument(document).problems).toMatchObject([{ path: ["spec", "limits", 0, "unknown"] }]);
});

it("takes whatever is no object for what it is", () => {
  for (const spec of [null, 7, "x", [], { ports: 7 }, { ports: [null] }, { selector: [] }]) {
    expect(() => readDocument(projectObject("Service", { metadata: { name: "a" }, spec }))).not.toThrow();
  }
  expect(() => projectObject("HTTPRoute", {})).not.toThrow();
});
