/**
 * What a rule does: its filters and backends as the data plane executes them. What cannot be resolved is kept, with the
 * reason, and answers 500 for its share of the traffic (Gateway API), so that a broken reference is never a silent shift
 * of traffic to the others.
 */
import { servicePortName } from "../../discovery/messages.ts";
import type {
  HeaderModifier,
  Mirror,
  PathRewrite,
  RouteAction,
  UrlRewrite,
  WeightedBackend,
} from "../../discovery/route.ts";
import { idOf } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";
import type {
  BackendInput,
  FilterInput,
  HeaderFilterInput,
  ObjectRef,
  PathInput,
  RuleInput,
} from "./route-inputs.ts";

type Redirect = Extract<RouteAction, { kind: "redirect" }>;

/** The action of one rule of a route in `namespace`. */
export function compileAction(mesh: MeshIndex, namespace: string, rule: RuleInput): RouteAction {
  let requestHeaders: HeaderModifier | undefined;
  let responseHeaders: HeaderModifier | undefined;
  let rewrite: UrlRewrite | undefined;
  let redirect: NonNullable<FilterInput["requestRedirect"]> | undefined;
  const mirrors: Mirror[] = [];
  for (const filter of rule.filters ?? []) {
    if (filter.type === "RequestHeaderModifier") requestHeaders = headers(filter.requestHeaderModifier);
    else if (filter.type === "ResponseHeaderModifier")
      responseHeaders = headers(filter.responseHeaderModifier);
    else if (filter.type === "URLRewrite") rewrite = urlRewrite(filter);
    else if (filter.type === "RequestRedirect") redirect = filter.requestRedirect ?? {};
    else if (filter.type === "RequestMirror") mirrors.push(...mirror(mesh, namespace, filter));
    else return { kind: "fail", reason: `filter ${filter.type} is not supported` };
  }
  if (redirect !== undefined) return redirection(redirect, responseHeaders);
  const refs = rule.backendRefs ?? [];
  if (refs.length === 0) return { kind: "fail", reason: "the rule has no backendRefs" };
  const backends: WeightedBackend[] = [];
  for (const ref of refs) {
    const compiled = backend(mesh, namespace, ref);
    if (typeof compiled === "string") return { kind: "fail", reason: compiled };
    backends.push(compiled);
  }
  return {
    kind: "forward",
    backends,
    ...(requestHeaders === undefined ? {} : { requestHeaders }),
    ...(responseHeaders === undefined ? {} : { responseHeaders }),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(mirrors.length === 0 ? {} : { mirrors }),
  };
}

function backend(mesh: MeshIndex, namespace: string, ref: BackendInput): WeightedBackend | string {
  let requestHeaders: HeaderModifier | undefined;
  let responseHeaders: HeaderModifier | undefined;
  for (const filter of ref.filters ?? []) {
    if (filter.type === "RequestHeaderModifier") requestHeaders = headers(filter.requestHeaderModifier);
    else if (filter.type === "ResponseHeaderModifier")
      responseHeaders = headers(filter.responseHeaderModifier);
    else return `filter ${filter.type} is not supported on a backendRef`;
  }
  return {
    weight: ref.weight ?? 1,
    ...resolveBackend(mesh, namespace, ref),
    ...(requestHeaders === undefined ? {} : { requestHeaders }),
    ...(responseHeaders === undefined ? {} : { responseHeaders }),
  };
}

/** The cluster that a reference means, or why it means none. */
export function resolveBackend(
  mesh: MeshIndex,
  from: string,
  ref: ObjectRef,
): { readonly cluster: string } | { readonly reason: string } {
  if ((ref.kind ?? "Service") !== "Service" || (ref.group ?? "") !== "") {
    return { reason: `a backend of kind ${ref.kind ?? ref.group} is not supported` };
  }
  const target = { namespace: ref.namespace ?? from, name: ref.name };
  if (target.namespace !== from) {
    return { reason: `Service ${idOf(target)} is in another namespace, and no ReferenceGrant allows it` };
  }
  const service = mesh.services.get(idOf(target));
  if (service === undefined) return { reason: `no Service ${idOf(target)}` };
  if (ref.port === undefined) return { reason: `the reference to Service ${idOf(target)} names no port` };
  if (!service.spec.ports?.some((port) => port.port === ref.port)) {
    return { reason: `Service ${idOf(target)} has no port ${ref.port}` };
  }
  return { cluster: servicePortName(target, ref.port) };
}

/** A mirror that can't be resolved mirrors nothing: it must never affect the original. */
function mirror(mesh: MeshIndex, namespace: string, filter: FilterInput): readonly Mirror[] {
  const spec = filter.requestMirror;
  if (spec === undefined) return [];
  const found = resolveBackend(mesh, namespace, spec.backendRef);
  if (!("cluster" in found)) return [];
  const numerator = spec.fraction?.numerator ?? spec.percent ?? 100;
  const denominator = spec.fraction === undefined ? 100 : (spec.fraction.denominator ?? 100);
  return [{ cluster: found.cluster, numerator, denominator }];
}

function headers(filter: HeaderFilterInput | undefined): HeaderModifier {
  const pairs = (list: HeaderFilterInput["set"]) =>
    (list ?? []).map(({ name, value }) => ({ name: name.toLowerCase(), value }));
  return {
    ...(filter?.set === undefined || filter.set.length === 0 ? {} : { set: pairs(filter.set) }),
    ...(filter?.add === undefined || filter.add.length === 0 ? {} : { add: pairs(filter.add) }),
    ...(filter?.remove === undefined || filter.remove.length === 0
      ? {}
      : { remove: filter.remove.map((name) => name.toLowerCase()) }),
  };
}

function urlRewrite(filter: FilterInput): UrlRewrite {
  const hostname = filter.urlRewrite?.hostname;
  const path = pathRewrite(filter.urlRewrite?.path);
  return { ...(hostname === undefined ? {} : { hostname }), ...(path === undefined ? {} : { path }) };
}

function pathRewrite(path: PathInput | undefined): PathRewrite | undefined {
  if (path === undefined) return undefined;
  return path.type === "ReplaceFullPath"
    ? { kind: "replaceFullPath", value: path.replaceFullPath ?? "/" }
    : { kind: "replacePrefixMatch", value: path.replacePrefixMatch ?? "/" };
}

function redirection(
  spec: NonNullable<FilterInput["requestRedirect"]>,
  responseHeaders: HeaderModifier | undefined,
): RouteAction {
  const path = pathRewrite(spec.path);
  return {
    kind: "redirect",
    statusCode: statusCode(spec.statusCode),
    ...(spec.scheme === "http" || spec.scheme === "https" ? { scheme: spec.scheme } : {}),
    ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
    ...(path === undefined ? {} : { path }),
    ...(spec.port === undefined ? {} : { port: spec.port }),
    ...(responseHeaders === undefined ? {} : { responseHeaders }),
  };
}

function statusCode(code: number | undefined): Redirect["statusCode"] {
  return code === 301 || code === 303 || code === 307 || code === 308 ? code : 302;
}
