import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalTarget } from "../../../test/fuzz/path-reference.ts";
import { requestHead } from "../../../test/harness/head.ts";
import { runs } from "../../../test/harness/runs.ts";
import type { PathRewrite, RouteAction } from "../../discovery/route.ts";
import { compileEdit, compileRedirect } from "./rewrite.ts";

type RedirectAction = Extract<RouteAction, { kind: "redirect" }>;

function location(
  action: Partial<RedirectAction>,
  target: string,
  host = "shop",
  prefix = "/",
  port = 80,
): string {
  const redirect = compileRedirect({ kind: "redirect", statusCode: 302, ...action }, port, prefix);
  return redirect.location(requestHead(`GET ${target} HTTP/1.1`, `Host: ${host}`));
}

describe("redirects (Gateway API HTTPRequestRedirectFilter)", () => {
  it.each<[string, Partial<RedirectAction>, string, string]>([
    ["nothing named: the same address", {}, "shop", "http://shop/a?b"],
    ["the request's port stays", {}, "shop:8080", "http://shop:8080/a?b"],
    ["port 80 is not written", {}, "shop:80", "http://shop/a?b"],
    ["a host, the request's port", { hostname: "other" }, "shop:8080", "http://other:8080/a?b"],
    ["https takes its own port", { scheme: "https" }, "shop:8080", "https://shop/a?b"],
    ["http takes its own port", { scheme: "http" }, "shop:8080", "http://shop/a?b"],
    ["a port named wins", { scheme: "https", port: 8443 }, "shop:8080", "https://shop:8443/a?b"],
    ["443 of https is not written", { scheme: "https", port: 443 }, "shop", "https://shop/a?b"],
    ["443 of http is", { port: 443 }, "shop", "http://shop:443/a?b"],
    ["80 of https is", { scheme: "https", port: 80 }, "shop", "https://shop:80/a?b"],
    ["an IPv6 host keeps its brackets", {}, "[::1]:8080", "http://[::1]:8080/a?b"],
    ["an IPv6 host without port", { scheme: "https" }, "[::1]", "https://[::1]/a?b"],
  ])("%s", (_name, action, host, expected) => {
    expect(location(action, "/a?b", host)).toBe(expected);
  });

  it("without a port in Host, it is the Service's", () => {
    expect(location({}, "/a", "shop", "/", 8080)).toBe("http://shop:8080/a");
    expect(location({ hostname: "other" }, "/a", "shop", "/", 8080)).toBe("http://other:8080/a");
    expect(location({ scheme: "https" }, "/a", "shop", "/", 8080)).toBe("https://shop/a");
  });

  it("an absolute target's authority is what is redirected", () => {
    expect(location({ scheme: "https" }, "http://Evil.example:81/x", "shop")).toBe("https://Evil.example/x");
    expect(location({}, "http://shop", "other")).toBe("http://shop/");
  });

  it.each<[PathRewrite, string, string, string]>([
    [{ kind: "replaceFullPath", value: "/new" }, "/old/x?y=1", "/old", "/new?y=1"],
    [{ kind: "replacePrefixMatch", value: "/new" }, "/old/x?y=1", "/old", "/new/x?y=1"],
    [{ kind: "replacePrefixMatch", value: "/" }, "/old", "/old/", "/"],
    [{ kind: "replacePrefixMatch", value: "" }, "/old/x", "/old", "/x"],
  ])("path %j: %s", (path, target, prefix, expected) => {
    expect(location({ path }, target, "shop", prefix)).toBe(`http://shop${expected}`);
  });

  it("* has no path to redirect to", () => {
    const redirect = compileRedirect({ kind: "redirect", statusCode: 308 }, 80, "/");
    expect(redirect.location(requestHead("OPTIONS * HTTP/1.1", "Host: shop"))).toBe("http://shop");
  });

  it("is always one line and an address", () => {
    const host = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,10}$/);
    const target = fc.stringMatching(/^\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,20}$/);
    const action = fc.record(
      {
        scheme: fc.constantFrom("http" as const, "https" as const),
        hostname: fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,8}[a-z0-9])?$/),
        port: fc.integer({ min: 1, max: 65_535 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(action, host, target, (action, host, target) => {
        const text = location(action, target, host);
        expect(text).toMatch(/^https?:\/\/[A-Za-z0-9.-]+(?::[1-9]\d*)?\/[\x21-\x7e]*$/);
        expect(text.endsWith(normalTarget(target))).toBe(true);
      }),
      runs(500),
    );
  });
});

describe("edits", () => {
  const edit = (...modifiers: Parameters<typeof compileEdit>[0]) => {
    const compiled = compileEdit(modifiers, undefined, "/");
    return compiled && { remove: compiled.remove.map(String), add: compiled.add.toString("latin1") };
  };

  it("is null when nothing is asked for", () => {
    expect(edit()).toBeNull();
    expect(edit(undefined, {}, { set: [], add: [], remove: [] })).toBeNull();
  });

  it("set replaces, add comes on top, remove removes", () => {
    expect(
      edit({ set: [{ name: "X-A", value: "1" }], add: [{ name: "x-b", value: "2" }], remove: ["X-C"] }),
    ).toEqual({
      remove: ["x-c", "x-a"],
      add: "X-A: 1\r\nx-b: 2\r\n",
    });
  });

  it("a backend's modifier works on what the rule's has left", () => {
    const rule = { set: [{ name: "x-a", value: "rule" }], add: [{ name: "x-b", value: "rule" }] };
    expect(edit(rule, { set: [{ name: "X-A", value: "backend" }] })?.add).toBe(
      "x-b: rule\r\nX-A: backend\r\n",
    );
    expect(edit(rule, { remove: ["x-b"] })?.add).toBe("x-a: rule\r\n");
    expect(edit(rule, { add: [{ name: "x-b", value: "backend" }] })?.add).toBe(
      "x-a: rule\r\nx-b: rule\r\nx-b: backend\r\n",
    );
  });

  it.each<[string, () => unknown]>([
    ["a line end in a value", () => edit({ set: [{ name: "x-a", value: "1\r\nEvil: 1" }] })],
    ["a bare LF in a value", () => edit({ add: [{ name: "x-a", value: "1\nEvil: 1" }] })],
    [
      "a character whose low byte is a line end",
      () => edit({ add: [{ name: "x-a", value: "1\u010d\u010aEvil: 1" }] }),
    ],
    ["a NUL in a value", () => edit({ add: [{ name: "x-a", value: "\0" }] })],
    ["a colon in a name", () => edit({ set: [{ name: "x-a: 1\r\nb", value: "1" }] })],
    ["an empty name", () => edit({ add: [{ name: "", value: "1" }] })],
    ["a name to remove that is none", () => edit({ remove: ["x a"] })],
    ["a line end in a host", () => compileEdit([], { hostname: "a\r\nb: c" }, "/")],
    ["an empty host", () => compileEdit([], { hostname: "" }, "/")],
    [
      "a space in a path",
      () => compileEdit([], { path: { kind: "replaceFullPath", value: "/a HTTP/1.1" } }, "/"),
    ],
    [
      "a line end in a path",
      () => compileEdit([], { path: { kind: "replacePrefixMatch", value: "/\r\n" } }, "/"),
    ],
    [
      "a wide character in a path",
      () => compileEdit([], { path: { kind: "replaceFullPath", value: "/\u010d" } }, "/"),
    ],
    ["a line end in a redirect's host", () => location({ hostname: "a\r\nb" }, "/")],
    [
      "a line end in a redirect's field",
      () => location({ responseHeaders: { add: [{ name: "a", value: "\r\n" }] } }, "/"),
    ],
  ])("%s is refused where it is configured", (_name, compile) => {
    expect(compile).toThrow(RangeError);
  });
});
