/**
 * The class that a caller's sidecar has given a request. That it may be refused first anybody may say; that it must not be refused
 * only somebody who has proven to be of the mesh.
 */
import type { PriorityClass } from "../../discovery/resilience.ts";
import { X_WEFT_PRIORITY } from "../http/fields.ts";
import type { Exchange } from "./exchange.ts";

export function incomingPriority({ connection, listener, peer }: Exchange): PriorityClass {
  const { head } = connection;
  if (!head.has(X_WEFT_PRIORITY) || listener.direction === "outbound") return "default";
  const text = head.value(head.find(X_WEFT_PRIORITY));
  if (text === "sheddable") return text;
  return text === "critical" && peer !== null ? text : "default";
}
