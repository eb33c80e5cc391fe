import { expect, it } from "vitest";
import { meaningOf } from "./meaning.ts";

const meaning = (name: string) => meaningOf(name, "home", "cluster.local");
const http = { port: "http", protocol: "tcp" };
/** A name with so many parts. */
const parts = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}`).join(".");

it.each([
  ["shop", { host: "shop.home", isOurs: true }],
  ["SHOP", { host: "shop.home", isOurs: true }],
  ["shop.other", { host: "shop.other", isOurs: false }],
  ["shop.other.svc", { host: "shop.other", isOurs: true }],
  ["shop.other.svc.cluster.local", { host: "shop.other", isOurs: true }],
  ["Shop.Other.SVC.Cluster.Local", { host: "shop.other", isOurs: true }],
  ["one.shop.other.svc.cluster.local", { host: "shop.other", instance: "one", isOurs: true }],
  ["one.shop.other.svc", { host: "shop.other", instance: "one", isOurs: true }],
  ["_http._tcp.shop", { host: "shop.home", service: http, isOurs: true }],
  ["_http._tcp.shop.other", { host: "shop.other", service: http, isOurs: false }],
  ["_http._tcp.shop.other.svc.cluster.local", { host: "shop.other", service: http, isOurs: true }],
  // Nobody but the control plane knows that this is no Service of the namespace `com`.
  ["example.com", { host: "example.com", isOurs: false }],
])("%s may be the mesh's", (name, expected) => {
  expect(meaning(name)).toEqual({ kind: "host", ...expected });
});

it.each([
  ["an automatic address", "4.3.2.240.in-addr.arpa", { kind: "owner", host: "240.2.3.4" }],
  ["another address", "4.3.2.10.in-addr.arpa", { kind: "other" }],
  ["IPv6", `${"0.".repeat(32)}ip6.arpa`, { kind: "other" }],
])("%s: whose it is", (_what, name, expected) => {
  expect(meaning(name)).toEqual(expected);
});

it.each([
  "shop.home.svc.cluster.local.home.svc.cluster.local",
  "shop.home.svc.cluster.local.svc.cluster.local",
  "shop.home.svc.cluster.local.cluster.local",
  "www.shop.example.com.home.svc.cluster.local",
  "-shop.home.svc.cluster.local",
  "sh_op.home.svc.cluster.local",
  "..svc.cluster.local",
])("%s is made up by a search list, or can't be", (name) => {
  expect(meaning(name)).toEqual({ kind: "nothing" });
});

it.each([
  "www.example.com",
  "_dmarc.example.com",
  "svc.cluster.local",
  "home.svc.cluster.local",
  "cluster.local",
  "10-0-0-1.home.pod.cluster.local",
  parts(9),
  `${parts(7)}.svc`,
  ".",
  "",
  "sh op",
  "_http._tcp",
  `${"x".repeat(64)}.home`,
])("%s is others'", (name) => {
  expect(meaning(name)).toEqual({ kind: "other" });
});
