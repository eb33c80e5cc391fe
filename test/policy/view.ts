/** Requests of the reference as the engine asks for them. */
import { parseAddress } from "../../src/proxy/policy/address.ts";
import type { RequestView } from "../../src/proxy/policy/view.ts";
import type { Request } from "./reference.ts";

export function viewOf({ principal, address, port, claims, http }: Request): RequestView {
  return {
    principal,
    namespace: principal?.split("/")[2] ?? null,
    address: parseAddress(address),
    port,
    claims,
    http: http && {
      ...http,
      header: (name) => http.headers.filter(([each]) => each === name).map(([, value]) => value),
    },
  };
}

/** A GET of web's, but for what is changed. */
export function request(
  http: Partial<NonNullable<Request["http"]>> = {},
  change: Partial<Request> = {},
): Request {
  return {
    principal: "cluster.local/ns/default/sa/web",
    address: "10.0.0.2",
    port: 8080,
    claims: null,
    http: { method: "GET", host: "shop", hostPort: 0, path: "/", headers: [], ...http },
    ...change,
  };
}
