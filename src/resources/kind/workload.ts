/**
 * Workload (weft.dev/v1alpha1): one instance of an application, with its own sidecar; what a Pod is in Kubernetes and a
 * WorkloadEntry in Istio. With a `command`, `weft up` runs it.
 */
import { metadataOf } from "../metadata.ts";
import {
  anyText,
  boolean,
  dnsLabel,
  dnsName,
  environmentName,
  integer,
  ipAddress,
  labelValue,
  port,
} from "../scalars.ts";
import { type Infer, list, map, object, optional, withDefault } from "../schema.ts";

export const workloadMetadata = metadataOf(dnsName);

export const workloadSpec = object({
  address: withDefault(ipAddress, "127.0.0.1", "Where it can be reached.", "Istio WorkloadEntry `address`"),
  ports: withDefault(
    map(dnsLabel, integer(0, 65_535, { nullIs: 0 }), { max: 64 }),
    {},
    "Ports where the application listens, by name; 0 or no number: `weft up` chooses one.",
    "Istio WorkloadEntry `ports`",
  ),
  inboundPort: optional(
    port,
    "Where its sidecar takes requests; absent: peers connect to the application itself.",
  ),
  intercepted: optional(
    boolean,
    "Its sidecar takes what comes to any of its ports (`weft init`): peers connect to those, whatever `inboundPort` says.",
  ),
  serviceAccount: withDefault(
    dnsName,
    "default",
    "Who it is; part of its identity.",
    "Istio WorkloadEntry `serviceAccount`",
  ),
  weight: withDefault(
    integer(0, 1_000_000),
    1,
    "Its share of a Service's requests; 0: none.",
    "Istio WorkloadEntry `weight`",
  ),
  zone: optional(labelValue, "Where it runs, for preferring what is near.", "Istio WorkloadEntry `locality`"),
  command: optional(list(anyText, { min: 1, max: 256 }), "Program and arguments for `weft up`."),
  workingDir: optional(anyText, "Where the command runs, relative to the directory of the mesh."),
  env: withDefault(map(environmentName, anyText, { max: 256 }), {}, "Variables for the command."),
});

export type WorkloadSpec = Infer<typeof workloadSpec>;
