/** The answer of `weft authz check`: the code that compiles and decides is that of control plane and sidecar. */
import { Compiler } from "../control-plane/compile/compiler.ts";
import type { InboundListenerResource } from "../discovery/listener.ts";
import type { Node } from "../discovery/messages.ts";
import type { PolicyResource } from "../discovery/policy.ts";
import { Head } from "../proxy/http/head.ts";
import { readRequestHead } from "../proxy/http1/request-head.ts";
import { Judge, type Verdict } from "../proxy/policy/judge.ts";
import type { Claims, RequestView } from "../proxy/policy/view.ts";
import { HeadView } from "../proxy/request/request-view.ts";
import { placeOf, type Resource } from "../resources/resource.ts";
import type { Caller } from "./authz-party.ts";
import type { AuthzResources } from "./authz-resources.ts";
import { CliError } from "./exit.ts";

/** What is asked for. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Absent: the target's name. */
  readonly host?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly claims: Claims | null;
  /** The Service's port, or the application's; absent: the first. */
  readonly port?: number;
  /** Where the connection comes from; absent: the caller's address. */
  readonly address?: string;
  /** A connection that is not HTTP. */
  readonly isTcp: boolean;
}

export interface Answer {
  readonly from: string;
  readonly to: string;
  readonly allowed: boolean;
  readonly decidedBy: string;
  readonly reason?: string;
  readonly file?: string;
  readonly line?: number;
  /** Rule of an AUDIT policy that would log the request. */
  readonly audited?: string;
}

const MAX_HEAD_BYTES = 1_048_576;
const MAX_FIELDS = 1_000;

export class AuthzCheck {
  readonly #from: AuthzResources;
  readonly #compiler = new Compiler("STRICT");

  constructor(resources: AuthzResources) {
    this.#from = resources;
    this.#compiler.update(resources.resources);
  }

  /** Whether the caller's request would pass the target's sidecar. */
  answer(caller: Caller, target: Node, asked: Asked): Answer {
    const policy = this.#compiler.get("policy", "inbound", target)?.resource as PolicyResource;
    const judge = Judge.of(policy);
    const view = viewOf(caller, asked, target, this.#appPort(target, asked.port));
    const verdict = judge.decide(view);
    const audited = judge.audited(view);
    return {
      from: caller.name,
      to: target.workload,
      allowed: verdict.isAllowed,
      decidedBy: verdict.source,
      ...(verdict.isAllowed ? {} : { reason: verdict.reason }),
      ...this.#placeOf(verdict),
      ...(audited === null ? {} : { audited }),
    };
  }

  #appPort(target: Node, port: number | undefined): number {
    const listener = this.#compiler.get("listener", "inbound", target)?.resource as InboundListenerResource;
    const { ports } = listener;
    const found = ports.find(({ servicePort }) => port === undefined || servicePort === port);
    return found?.appPort ?? port ?? 0;
  }

  #placeOf({ source }: Verdict): { readonly file?: string; readonly line?: number } {
    const [, kind, namespace, name, rule] =
      /(AuthorizationPolicy|NetworkPolicy) ([^/\s]+)\/([^\s,]+)(?: rule (\d+))?/.exec(source) ?? [];
    const isIt = (resource: Resource) =>
      kind === undefined
        ? resource.kind === "MeshConfig" && source.startsWith("MeshConfig")
        : resource.kind === kind &&
          resource.metadata.namespace === namespace &&
          resource.metadata.name === name;
    const resource = this.#from.resources.find(isIt);
    if (resource === undefined) return {};
    const { file, line } = resource.origin;
    if (!this.#from.hasPlaces) return { file, line };
    const path = kind === undefined ? ["spec", "defaultDeny"] : ["spec"];
    return {
      file,
      line: placeOf(resource, rule === undefined ? path : ["spec", "rules", Number(rule)]).line,
    };
  }
}

/** The request as a sidecar would read it from a socket. */
function viewOf(caller: Caller, asked: Asked, target: Node, port: number): RequestView {
  const { method, path, host = target.workload, headers, claims, isTcp } = asked;
  const lines = [isTcp ? `CONNECT ${host}:${port} HTTP/1.1` : `${method} ${path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  const head = new Head(MAX_FIELDS);
  const end = readRequestHead(bytes, 0, bytes.length, head, MAX_HEAD_BYTES);
  if (end !== bytes.length) {
    throw new CliError("this is no request that a sidecar takes", {
      hints: [`it would be refused with ${end < 0 ? -end : 400} before any policy is asked`],
    });
  }
  const view = new HeadView();
  const peerAddress = `${asked.address ?? caller.address}:0`;
  view.show(head, { peer: caller.peer, peerAddress, claims }, port);
  return view;
}
