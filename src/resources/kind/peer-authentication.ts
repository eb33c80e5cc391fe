/**
 * PeerAuthentication (weft.dev/v1alpha1): whether clients must speak mutual TLS to workloads, in Istio's shape. A port's mode wins
 * over its workload's, that over the namespace's, that over the mesh's; of two for the same, the older.
 */
import { metadataOf } from "../metadata.ts";
import { dnsName, labelKey, labelValue, text } from "../scalars.ts";
import { type Infer, map, object, oneOfValues, optional, refine, required } from "../schema.ts";
import { ROOT_NAMESPACE } from "./authorization-policy.ts";

export const peerAuthenticationMetadata = metadataOf(dnsName);

const mode = oneOfValues(["STRICT", "PERMISSIVE", "DISABLE", "UNSET"]);
const portNumber = text("a port number from 1 to 65535", {
  pattern: /^(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
});

const mutualTls = object({
  mode: optional(
    mode,
    "`STRICT`: mutual TLS alone; `PERMISSIVE`: plaintext too; `DISABLE`: sidecars speak plaintext to it; `UNSET`: as what is above.",
    "Istio `mtls.mode`",
  ),
});

export const peerAuthenticationSpec = refine(
  object({
    selector: optional(
      object({
        matchLabels: required(map(labelKey, labelValue, { max: 64 }), "Labels that a Workload must have."),
      }),
      `Whom it is for; absent: every Workload of the namespace, and in \`${ROOT_NAMESPACE}\` of the mesh.`,
      "Istio `selector`",
    ),
    mtls: optional(mutualTls, "What holds for all ports. Where nothing says anything: `STRICT`."),
    portLevelMtls: optional(
      map(portNumber, mutualTls, { max: 64 }),
      "What holds for a port of the workload, by its number in quotes; needs a selector.",
      "Istio `portLevelMtls`",
    ),
  }),
  ({ selector, portLevelMtls }, say) => {
    const selects = Object.keys(selector?.matchLabels ?? {}).length > 0;
    if (portLevelMtls !== undefined && !selects) {
      say(["portLevelMtls"], "needs a selector with labels", "a spec.selector");
    }
  },
  {
    rule: "!has(self.portLevelMtls) || (has(self.selector) && has(self.selector.matchLabels) && self.selector.matchLabels.size() > 0)",
    message: "portLevelMtls needs a selector with labels",
  },
);

export type PeerAuthenticationSpec = Infer<typeof peerAuthenticationSpec>;
