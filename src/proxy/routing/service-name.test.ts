import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { splitAuthority } from "../http/authority.ts";
import { serviceName } from "./service-name.ts";

const nameOf = (authority: string, namespace = "shop", domain = "cluster.local") =>
  serviceName(splitAuthority(authority), namespace, domain);

describe("the Service that an authority means", () => {
  it.each([
    ["stock", "stock.shop"],
    ["stock:8080", "stock.shop:8080"],
    ["stock.shop", "stock.shop"],
    ["stock.other:80", "stock.other:80"],
    ["stock.other.svc", "stock.other"],
    ["stock.other.svc.cluster.local", "stock.other"],
    ["stock.other.svc.cluster.local:9090", "stock.other:9090"],
    ["STOCK.Other.SVC.Cluster.Local.", "stock.other"],
    ["svc.svc.svc", "svc.svc"],
    ["example.com", "example.com"],
  ])("%s: %s", (authority, route) => {
    expect(nameOf(authority)).toMatchObject({ kind: "service", route });
  });

  it.each([
    "10.0.0.1",
    "10.0.0.1:80",
    "[::1]:80",
    "localhost",
    "LOCALHOST.",
    "www.example.com",
    "stock.svc",
    "a.b.c.svc",
    "stock.svc.cluster.local",
    "stock.other.svc.other.domain",
    "-stock",
    "stock-.other",
    "under_score",
    "a..svc",
    "stock.other..svc",
    `${"a".repeat(64)}`,
    ".",
  ])("%s is outside of the mesh", (authority) => {
    expect(nameOf(authority)).toEqual({ kind: "external" });
  });

  it("only a qualified name is certainly a Service's", () => {
    expect(nameOf("stock.other")).toMatchObject({ isCertain: false });
    expect(nameOf("stock.other.svc")).toMatchObject({ isCertain: true });
    expect(nameOf("stock.other.svc.cluster.local")).toMatchObject({ isCertain: true });
  });

  it("the mesh's own domain counts, not the usual one", () => {
    expect(nameOf("stock.other.svc.mesh.example", "shop", "mesh.example")).toMatchObject({
      route: "stock.other",
    });
    expect(nameOf("stock.other.svc.cluster.local", "shop", "mesh.example")).toEqual({ kind: "external" });
  });

  it("all ways to write one Service lead to one route", () => {
    const label = fc
      .stringMatching(/^[a-z]([a-z0-9-]{0,6}[a-z0-9])?$/)
      .filter((text) => text !== "localhost");
    const port = fc.constantFrom("", ":80", ":8080");
    fc.assert(
      fc.property(
        label,
        label,
        port,
        fc.boolean(),
        fc.boolean(),
        (service, namespace, port, hasDot, isUpper) => {
          const dot = hasDot ? "." : "";
          const bare = [service, `${service}.${namespace}`];
          const qualified = [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`];
          fc.pre(namespace !== "svc");
          for (const name of [...bare, ...qualified]) {
            const written = `${isUpper ? name.toUpperCase() : name}${dot}${port}`;
            expect(nameOf(written, namespace)).toMatchObject({
              kind: "service",
              route: `${service}.${namespace}${port}`,
            });
          }
        },
      ),
      runs(),
    );
  });
});
