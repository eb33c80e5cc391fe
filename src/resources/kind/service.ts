/**
 * Service (v1): a name that clients call and the workloads behind it, as Kubernetes has it. What only matters to
 * Kubernetes' own proxy is accepted and not read.
 */
import { metadataOf } from "../metadata.ts";
import { anyText, dnsLabel, labelKey, labelValue, port, portReference } from "../scalars.ts";
import {
  type Infer,
  ignored,
  list,
  map,
  object,
  oneOfValues,
  optional,
  refine,
  required,
  withDefault,
} from "../schema.ts";
import { reportRepeated } from "../unique.ts";

const servicePort = object({
  name: optional(dnsLabel, "Name of the port; needed where there are several."),
  port: required(port, "What clients call."),
  targetPort: optional(portReference, "Port of the workload, by number or name; default: `port`."),
  protocol: withDefault(oneOfValues(["TCP"]), "TCP", "The transport; Weft carries TCP."),
  appProtocol: optional(anyText, "What is spoken on the port: `http`, `tcp`, …"),
  nodePort: ignored("Kubernetes' own."),
});

export const serviceMetadata = metadataOf(dnsLabel);

export const serviceSpec = object({
  selector: withDefault(
    map(labelKey, labelValue, { max: 64 }),
    {},
    "Labels that a Workload must have to serve; none selects nothing.",
  ),
  ports: required(
    refine(list(servicePort, { min: 1, max: 64 }), (ports, say) => {
      reportRepeated(ports, "name", say);
      reportRepeated(ports, "port", say);
      for (const [i, entry] of ports.entries()) {
        if (ports.length > 1 && entry.name === undefined) {
          say([i, "name"], "is required where there are several ports", "a name");
        }
      }
    }),
    "What clients may call.",
  ),
  type: ignored("Kubernetes' own."),
  clusterIP: ignored("Kubernetes' own."),
  clusterIPs: ignored("Kubernetes' own."),
  ipFamilies: ignored("Kubernetes' own."),
  ipFamilyPolicy: ignored("Kubernetes' own."),
  sessionAffinity: ignored("Kubernetes' own."),
  sessionAffinityConfig: ignored("Kubernetes' own."),
  internalTrafficPolicy: ignored("Kubernetes' own."),
  externalTrafficPolicy: ignored("Kubernetes' own."),
  publishNotReadyAddresses: ignored("Kubernetes' own."),
});

export type ServiceSpec = Infer<typeof serviceSpec>;
export type ServicePort = ServiceSpec["ports"][number];
