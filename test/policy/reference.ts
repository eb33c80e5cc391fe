/**
 * What policies mean, written for the eye: every rule is asked in turn, nothing is indexed, addresses are Node's, templates
 * are regular expressions. Slow; the data plane must agree with it.
 */
import { BlockList, isIP } from "node:net";
import type { AuthorizationRule, PolicyResource } from "../../src/discovery/policy.ts";

export interface Request {
  readonly principal: string | null;
  readonly address: string;
  readonly port: number;
  readonly claims: Readonly<Record<string, unknown>> | null;
  /** Null: no HTTP. */
  readonly http: {
    readonly method: string;
    readonly host: string;
    readonly hostPort: number;
    readonly path: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  } | null;
}

/** What decides: a rule, or one of the defaults. */
export function decide(policy: PolicyResource, request: Request): string {
  const first = (action: string) => {
    for (const { source, rules, ...each } of policy.policies) {
      if (each.action !== action) continue;
      for (const [i, rule] of rules.entries()) {
        if (takes(rule, request, action)) return `${action} ${source} rule ${i}`;
      }
    }
    return undefined;
  };
  const usesPaths = policy.policies.some(({ rules }) =>
    rules.some(({ to = [] }) => to.some((o) => "paths" in o || "notPaths" in o)),
  );
  if (usesPaths && request.http !== null && isTreacherous(request.http.path)) return "ambiguous";
  const hasAllow = policy.policies.some(({ action }) => action === "ALLOW");
  const otherwise = hasAllow || policy.defaultDeny ? "nothing allows" : "default";
  return first("DENY") ?? first("ALLOW") ?? otherwise;
}

function takes(rule: AuthorizationRule, request: Request, action: string): boolean {
  const refuses = action !== "ALLOW";
  const { http, claims } = request;
  /** A field that only HTTP has. */
  const onHttp = (holds: () => boolean) => (http === null ? action === "DENY" : holds());
  const text = (found: string | null, wanted: readonly string[]) =>
    found !== null && wanted.some((each) => like(found, each));
  const both = <T>(
    values: readonly T[] | undefined,
    notValues: readonly T[] | undefined,
    test: (values: readonly T[], isLoose: boolean) => boolean,
  ) =>
    (values === undefined || test(values, refuses)) &&
    (notValues === undefined || !test(notValues, !refuses));
  const namespace = request.principal?.split("/")[2] ?? null;
  const principal = (values: readonly string[]) =>
    text(
      request.principal,
      values.map((v) => v.replace("spiffe://", "")),
    );
  const claim = (path: readonly string[]) => (values: readonly string[]) => {
    const found = path.reduce<unknown>(
      (at, name) => (typeof at === "object" && at !== null ? Reflect.get(at, name) : undefined),
      claims,
    );
    return [found].flat().some((value) => typeof value === "string" && text(value, values));
  };

  const source = (rule.from ?? [{}]).some(
    (from) =>
      both(from.principals, from.notPrincipals, principal) &&
      both(from.namespaces, from.notNamespaces, (values) => text(namespace, values)) &&
      both(from.ipBlocks, from.notIpBlocks, (values) => isWithin(request.address, values)),
  );
  const operation = (rule.to ?? [{}]).some(
    (to) =>
      both(to.ports, to.notPorts, (values) => values.includes(request.port)) &&
      (to.hosts === undefined && to.notHosts === undefined
        ? true
        : onHttp(() => both(to.hosts, to.notHosts, (v, loose) => hostIs(http, v, loose)))) &&
      (to.methods === undefined && to.notMethods === undefined
        ? true
        : onHttp(() =>
            both(to.methods, to.notMethods, (values, loose) =>
              values.some((v) => {
                const method = http?.method ?? "";
                return loose ? like(method.toUpperCase(), v.toUpperCase()) : like(method, v);
              }),
            ),
          )) &&
      (to.paths === undefined && to.notPaths === undefined
        ? true
        : onHttp(() =>
            both(to.paths, to.notPaths, (values, loose) =>
              values.some((v) => pathIs(http?.path ?? "", v, loose)),
            ),
          )),
  );
  const conditions = (rule.when ?? []).every(({ key, values, notValues }) => {
    const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
    if (header !== undefined) {
      return onHttp(() =>
        both(values, notValues, (wanted, loose) => headerIs(http?.headers ?? [], header, wanted, loose)),
      );
    }
    const path = /^request\.auth\.claims\[(.+)\]$/.exec(key)?.[1]?.split("][");
    if (path !== undefined) return onHttp(() => both(values, notValues, claim(path)));
    if (key === "source.ip") return both(values, notValues, (v) => isWithin(request.address, v));
    if (key === "source.namespace") return both(values, notValues, (v) => text(namespace, v));
    if (key === "destination.port") return both(values, notValues, (v) => v.includes(String(request.port)));
    throw new Error(key);
  });
  return source && operation && conditions;
}

function like(found: string, wanted: string): boolean {
  if (wanted === "*") return found !== "";
  if (wanted.endsWith("*")) return found.startsWith(wanted.slice(0, -1));
  if (wanted.startsWith("*")) return found.endsWith(wanted.slice(1));
  return found === wanted;
}

function hostIs(http: Request["http"], values: readonly string[], isLoose: boolean): boolean {
  if (http === null) return false;
  return values.some((value) => {
    const [, host = "", port = ""] = /^(.*?)(?::(\d+))?$/.exec(value.toLowerCase()) ?? [];
    if (!like(http.host, host)) return false;
    if (port === "") return true;
    if (http.hostPort === 0) return isLoose || port === "80";
    return http.hostPort === Number(port);
  });
}

function headerIs(
  headers: readonly (readonly [string, string])[],
  name: string,
  wanted: readonly string[],
  isLoose: boolean,
): boolean {
  const found = headers.filter(([each]) => each === name.toLowerCase()).map(([, value]) => value);
  const is = (value: string) => wanted.some((each) => like(value, each));
  const parts = (value: string) => value.split(",").map((part) => part.trim());
  if (isLoose) return found.some((value) => is(value) || parts(value).some(is));
  return found.length > 0 && found.every((value) => is(value) || parts(value).every(is));
}

function pathIs(path: string, wanted: string, isLoose: boolean): boolean {
  const read = isLoose ? loose : (text: string) => text;
  if (!wanted.includes("{")) {
    if (wanted === "*") return path !== "";
    if (wanted.endsWith("*")) return read(path).startsWith(read(wanted.slice(0, -1)));
    if (wanted.startsWith("*")) return read(path).endsWith(read(wanted.slice(1)));
    return read(path) === read(wanted);
  }
  const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = wanted
    .split(/(\/\{\*\*\}$|\/\{\*\*\}|\{\*\})/)
    .map((part, i, all) => {
      if (part === "{*}") return "[^/]+";
      if (part === "/{**}") return all.slice(i + 1).join("") === "" ? "/.*" : "(?:/.*)?";
      return quoted(read(part));
    })
    .join("");
  return new RegExp(`^${pattern}$`).test(read(path));
}

function loose(path: string): string {
  return decodeURIComponent(path)
    .split("/")
    .map((segment) => segment.split(";")[0])
    .join("/")
    .replace(/\/+/g, "/")
    .toLowerCase();
}

function isTreacherous(path: string): boolean {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return true;
  }
  if (/%(2f|5c|0|1|7f|25[0-9a-f]{2})/i.test(path)) return true;
  return decoded.split("/").some((segment) => [".", ".."].includes(segment.split(";")[0] ?? ""));
}

function isWithin(address: string, blocks: readonly string[]): boolean {
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  return blocks.some((block) => {
    const [base = "", length] = block.split("/");
    if (isIP(base) !== isIP(address)) return false;
    const list = new BlockList();
    list.addSubnet(base, Number(length ?? (family === "ipv4" ? 32 : 128)), family);
    return list.check(address, family);
  });
}
