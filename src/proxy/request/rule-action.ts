/**
 * What the rule that matched wants done with its request: it fails, is answered with a redirect, or goes to one of the rule's
 * backends, with copies to its mirrors. Overload sheds requests here, because the rule has a say in which may go first.
 */
import type { Selected } from "../routing/virtual-host.ts";
import type { Exchange } from "./exchange.ts";
import { hashOfRequest } from "./hash-key.ts";
import { sendRedirect } from "./local-reply.ts";
import { startMirrors } from "./mirror.ts";

/** True: the request goes to the exchange's backend and cluster. Otherwise the exchange has ended. */
export function followRule(exchange: Exchange, selected: Selected): boolean {
  const { connection, listener } = exchange;
  const { overload, random } = listener.loop;
  const { rule } = selected;
  exchange.selected = selected;
  if (rule.priority !== null) exchange.priorityClass = rule.priority.classOf(connection.head);
  if (overload.sheds(exchange.priorityClass)) {
    exchange.fail("overloaded");
    return false;
  }
  const { action } = rule;
  switch (action.kind) {
    case "fail":
      exchange.fail("unusable_rule", action.reason);
      return false;
    case "redirect":
      sendRedirect(exchange, action.redirect);
      exchange.complete();
      return false;
    case "forward": {
      const key = action.stickyBy === null ? undefined : hashOfRequest(exchange, action.stickyBy);
      const { split } = action;
      const index = key === undefined ? split.pick(random()) : split.pickSticky(key);
      if (index < 0) {
        exchange.fail("zero_weights", rule.name);
        return false;
      }
      const backend = action.backends[index]!;
      if (backend.cluster === null) {
        exchange.fail("dangling_backend", backend.reason);
        return false;
      }
      exchange.backend = backend;
      exchange.cluster = listener.cluster(backend.cluster) ?? null;
      exchange.tries.policy = rule.retry;
      if (rule.requestTimeoutMs > 0) exchange.deadlines.request(rule.requestTimeoutMs);
      if (action.mirrors.length > 0) startMirrors(exchange, action.mirrors);
      return true;
    }
  }
}
