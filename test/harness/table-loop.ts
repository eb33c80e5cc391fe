/** A traffic loop as the control thread sees it: tables that apply the messages which a real loop gets, when the test says so. */
import type { ClusterResource, EndpointResource } from "../../src/discovery/messages.ts";
import type { RouteResource } from "../../src/discovery/route.ts";
import type { Change, ToLoop } from "../../src/proxy/snapshot/loop-protocol.ts";

export class TableLoop {
  readonly routes = new Map<string, RouteResource>();
  readonly clusters = new Map<string, ClusterResource>();
  readonly endpoints = new Map<string, readonly EndpointResource[]>();
  readonly inbox: (ToLoop & { kind: "update" })[] = [];

  post(message: ToLoop): void {
    if (message.kind === "update") this.inbox.push(message);
  }

  /** Applies the next message and returns its id. */
  applyNext(): number | undefined {
    const message = this.inbox.shift();
    for (const change of message?.changes ?? []) this.apply(change);
    return message?.id;
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "cluster":
        this.clusters.set(change.resource.name, change.resource);
        break;
      case "cluster-removed":
        this.clusters.delete(change.name);
        break;
      case "endpoints":
        this.endpoints.set(change.name, change.endpoints);
        break;
      case "endpoints-removed":
        this.endpoints.delete(change.name);
        break;
      case "route":
        this.routes.set(change.resource.name, change.resource);
        break;
      case "route-removed":
        this.routes.delete(change.name);
        break;
      case "listener":
      case "policy":
      case "secret":
      case "health":
        break;
    }
  }
}
