/** What must hold when everything has arrived: each finding is a line, and none is what is right. */
import { isAmongAll } from "../../../src/discovery/host.ts";
import { clustersOf } from "../../../src/proxy/snapshot/references.ts";
import type { AskingLoop } from "./asking-loop.ts";
import { USED_TYPES } from "./mesh.ts";
import type { World } from "./world.ts";

/**
 * Where something is refused, routes that name it may be of any version that works; everything else, and where nothing is
 * refused everything, is as the mesh has it.
 */
export function findings(world: World): string[] {
  return [
    ...world.loops.flatMap((loop, index) => [...ofLoop(world, loop)].map((text) => `loop ${index}: ${text}`)),
    ...ofSubscriptions(world),
    ...ofNames(world),
    ...ofControlPlane(world),
  ];
}

function* ofLoop({ mesh, scope, subscribed, subscriber }: World, loop: AskingLoop): Generator<string> {
  const wanted = subscribed.get("route") ?? new Set();
  const isWanted = (route: string) => wanted.has(route) || (scope === "all" && isAmongAll("route", route));
  // Who follows all says of nothing that it is missing before the sidecar is configured.
  const isAnswered = scope === "lazy" || subscriber.isConfigured;
  for (const route of isAnswered ? loop.waiting : [])
    if (!mesh.isBad("route", route)) yield `waits for ${route} in vain`;
  for (const route of loop.missing) {
    if (!mesh.isBad("route", route) && mesh.get("route", route)) yield `takes ${route} for missing`;
    if (!isWanted(route)) yield `remembers ${route} as missing, which nobody follows`;
  }
  for (const route of mesh.all("route")) {
    const isRight = loop.routes.get(route) === mesh.get("route", route)?.resource;
    if (mesh.isSound(route) && isWanted(route) && !isRight) yield `has not the latest ${route}`;
  }
  const named = new Set<string>();
  for (const [name, route] of loop.routes) {
    if (!isWanted(name)) yield `keeps ${name}, which nobody wants`;
    if (mesh.get("route", name) === undefined) yield `keeps ${name}, which is gone`;
    if (mesh.check("route", route) !== undefined) yield `has taken a bad ${name}`;
    for (const cluster of clustersOf(route)) named.add(cluster);
  }
  // A route that was refused for what it names may yet come to be used.
  const areSound = [...loop.routes.keys()].every((name) => mesh.isSound(name));
  for (const cluster of areSound ? loop.clusters.keys() : []) {
    const isKnown = scope === "all" && mesh.get("cluster", cluster) !== undefined;
    if (!isKnown && !named.has(cluster)) yield `keeps cluster ${cluster}, which nothing names`;
  }
  for (const cluster of scope === "all" ? mesh.all("cluster") : named) {
    const latest = mesh.get("cluster", cluster);
    // One that routes still name stays until they do not.
    if (latest === undefined || mesh.isBad("cluster", cluster)) continue;
    if (loop.clusters.get(cluster) !== latest.resource) yield `has not the latest cluster ${cluster}`;
    if (mesh.isBad("endpoints", cluster)) continue;
    const endpoints = mesh.get("endpoints", cluster)?.resource;
    const right = endpoints !== undefined && "endpoints" in endpoints ? endpoints.endpoints : undefined;
    if (loop.endpoints.get(cluster) !== right) yield `has not the latest endpoints of ${cluster}`;
  }
  const policy = mesh.get("policy", "inbound");
  if (policy !== undefined && !mesh.isBad("policy", "inbound")) {
    if (subscriber.applied.policy.get("inbound") !== policy) yield "has not the latest policy";
  }
}

function* ofSubscriptions({ mesh, scope, subscribed, subscriber }: World): Generator<string> {
  if (scope === "all") return;
  const routes = subscribed.get("route") ?? new Set();
  if (subscriber.wantedRoutes !== routes.size) yield "wants other routes than it has subscribed";
  if (![...routes].every((route) => mesh.isSound(route))) return;
  const named = [...new Set([...routes].flatMap((route) => mesh.clustersOf(route)))].sort().join();
  for (const type of ["cluster", "endpoints"] as const) {
    const found = [...(subscribed.get(type) ?? [])].sort().join();
    if (found !== named) yield `subscribes ${type} ${found}, where routes name ${named}`;
  }
}

function* ofNames({ mesh, hosts, subscribed, asked }: World): Generator<string> {
  const held = hosts.versions();
  for (const name of asked.keys()) yield `nobody has answered for the name ${name}`;
  for (const name of subscribed.get("host") ?? []) {
    if (!mesh.isBad("host", name) && held[name] !== mesh.get("host", name)?.version)
      yield `has not the latest name ${name}`;
  }
  for (const name of Object.keys(held))
    if (!subscribed.get("host")?.has(name)) yield `keeps the name ${name}`;
}

function* ofControlPlane({ mesh, server, subscribed, subscriber, change }: World): Generator<string> {
  const [status, ...others] = server.sidecars();
  if (status === undefined || others.length > 0) yield `${others.length} sidecars more than one`;
  const isBad = USED_TYPES.some((type) => mesh.all(type).some((name) => mesh.isBad(type, name)));
  if (status?.state !== "synced" && !(isBad && status?.state === "rejected")) yield `is ${status?.state}`;
  for (let each = 1; each <= change; each++) {
    if (server.progress(each)?.state === "pending") yield `change ${each} is pending`;
  }
  for (const type of USED_TYPES) {
    for (const name of subscribed.get(type) ?? []) {
      const version = mesh.get(type, name)?.version;
      if (version === undefined) continue;
      const isRight = type === "route" ? mesh.isSound(name) : !mesh.isBad(type, name);
      const isLacking = server.lacking(type, name, version).length > 0;
      if (isRight && isLacking) yield `is said to lack ${type} ${name}`;
      const serves = type === "route" && subscriber.applied.route.get(name)?.version === version;
      if (type === "route" && !isLacking && !serves) yield `is said to have route ${name}`;
    }
  }
}
