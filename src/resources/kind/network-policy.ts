/**
 * NetworkPolicy (networking.k8s.io/v1): who may connect to the pods that it selects, as Kubernetes has it. Policies add up:
 * a selected workload takes what any of them allows, and nothing else. Weft enforces ingress, by identity where the
 * connection proves one; egress rules are read and not enforced, which is told.
 */
import { BlockList, isIP } from "node:net";
import { metadataOf } from "../metadata.ts";
import { dnsName, port, portReference } from "../scalars.ts";
import { type Infer, list, object, oneOfValues, optional, refine, required, withDefault } from "../schema.ts";
import { labelSelector } from "./label-selector.ts";
import { ipBlock } from "./policy-values.ts";

export const networkPolicyMetadata = metadataOf(dnsName);

const block = refine(
  object({
    cidr: required(ipBlock, "The range, such as `10.0.0.0/8`."),
    except: optional(list(ipBlock, { max: 256 }), "Ranges within it that are left out."),
  }),
  ({ cidr, except = [] }, say) => {
    for (const [i, range] of except.entries()) {
      if (!isWithin(range, cidr)) say(["except", i], `must lie within ${cidr}`, `a range within ${cidr}`);
    }
  },
);

const peer = refine(
  object({
    podSelector: optional(labelSelector, "Workloads, of the policy's namespace where nothing else is said."),
    namespaceSelector: optional(
      labelSelector,
      "Namespaces by label; the only label that they have here is `kubernetes.io/metadata.name`.",
    ),
    ipBlock: optional(block, "A range of addresses; by itself only."),
  }),
  ({ podSelector, namespaceSelector, ipBlock }, say) => {
    const hasSelector = podSelector !== undefined || namespaceSelector !== undefined;
    if (ipBlock !== undefined && hasSelector) say(["ipBlock"], "must stand by itself", "a peer of its own");
    if (ipBlock === undefined && !hasSelector) {
      say([], "needs podSelector, namespaceSelector or ipBlock", "a selector");
    }
  },
);

const policyPort = refine(
  object({
    protocol: withDefault(
      oneOfValues(["TCP", "UDP", "SCTP"]),
      "TCP",
      "The transport; what is not TCP is none of Weft's.",
    ),
    port: optional(portReference, "The workload's port, by number or name; absent: all of them."),
    endPort: optional(port, "The last of a range that begins with `port`."),
  }),
  ({ port: first, endPort }, say) => {
    if (endPort === undefined) return;
    if (typeof first !== "number") say(["endPort"], "needs a port by number", "nothing");
    else if (endPort < first) say(["endPort"], `must not be below port ${first}`, `${first} or more`);
  },
);

const ports = optional(list(policyPort, { max: 256 }), "To which ports; none: all of them.");

const ingress = object({
  from: optional(list(peer, { max: 256 }), "Who; none: everybody."),
  ports,
});

const egress = object({ to: optional(list(peer, { max: 256 }), "Read, not enforced."), ports });

export const networkPolicySpec = refine(
  object({
    podSelector: withDefault(labelSelector, {}, "Workloads of its namespace that it isolates; empty: all."),
    policyTypes: optional(
      list(oneOfValues(["Ingress", "Egress"]), { max: 2 }),
      "What it isolates; default: `Ingress`, and `Egress` where there are egress rules.",
    ),
    ingress: withDefault(list(ingress, { max: 256 }), [], "Connections that are allowed to them."),
    egress: withDefault(list(egress, { max: 256 }), [], "Read, not enforced."),
  }),
  ({ policyTypes, egress }, _say, warn) => {
    if (policyTypes?.includes("Egress") ?? egress.length > 0) {
      const field = egress.length > 0 ? "egress" : "policyTypes";
      warn([field], "egress is not enforced by this version: protect what is called", "ingress rules there");
    }
  },
);

export type NetworkPolicySpec = Infer<typeof networkPolicySpec>;

function isWithin(inner: string, outer: string): boolean {
  const [innerAddress = "", innerLength = ""] = inner.split("/");
  const [address = "", length = ""] = outer.split("/");
  const family = isIP(address);
  if (isIP(innerAddress) !== family) return false;
  const bits = family === 4 ? 32 : 128;
  const outerBits = Number(length || bits);
  const list = new BlockList();
  const name = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(address, outerBits, name);
  return Number(innerLength || bits) >= outerBits && list.check(innerAddress, name);
}
