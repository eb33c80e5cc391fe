/**
 * Service (v1): a name that clients call and the workloads behind it, as Kubernetes has it. What only matters to
 * Kubernetes' own proxy is accepted and not read.
 */
import { metadataOf } from "../metadata.ts";
import {
  anyText,
  clusterAddress,
  dnsLabel,
  dnsTarget,
  labelKey,
  labelValue,
  port,
  portReference,
} from "../scalars.ts";
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
  transform,
  withDefault,
} from "../schema.ts";
import { reportRepeated } from "../unique.ts";

/** Kubernetes has no bound; those who pass media have hundreds of UDP. */
const MAX_PORTS = 1_000;

const portFields = object({
  name: optional(dnsLabel, "Name of the port; needed where there are several."),
  port: required(port, "What clients call."),
  targetPort: optional(portReference, "Port of the workload, by number or name; default: `port`."),
  protocol: withDefault(
    oneOfValues(["TCP", "UDP", "SCTP"]),
    "TCP",
    "The transport; Weft carries TCP, and leaves ports of the others alone.",
  ),
  appProtocol: optional(
    anyText,
    "What is spoken on the port: `http`, `tcp`, …; default: what the first part of its name says.",
  ),
  nodePort: ignored("Kubernetes' own."),
});

const allPorts = refine(list(portFields, { max: MAX_PORTS }), (ports, say) => {
  reportRepeated(ports, "name", say);
  reportRepeated(
    ports.map((entry) => (entry.protocol === "TCP" ? { port: entry.port } : {})),
    "port",
    say,
  );
  for (const [i, entry] of ports.entries()) {
    if (ports.length > 1 && entry.name === undefined) {
      say([i, "name"], "is required where there are several ports", "a name");
    }
  }
});

export const serviceMetadata = metadataOf(dnsLabel);

const specFields = object({
  selector: withDefault(
    map(labelKey, labelValue, { max: 64 }),
    {},
    "Labels that a Workload must have to serve; none selects nothing.",
  ),
  ports: withDefault(
    allPorts,
    [],
    "What clients may call; required, but for `ExternalName` and headless ones.",
  ),
  type: withDefault(
    oneOfValues(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    "ClusterIP",
    "`ExternalName`: a sidecar's DNS answers with that host; requests that name the Service find no endpoint. The others are alike to Weft.",
  ),
  clusterIP: optional(
    clusterAddress,
    "Its virtual address; `None`: headless, its clients call the workloads' own.",
  ),
  clusterIPs: optional(
    list(clusterAddress, { max: 2 }),
    "All of its virtual addresses, where it has one of IPv4 and one of IPv6.",
  ),
  externalName: optional(dnsTarget, "The host that an `ExternalName` means."),
  externalIPs: ignored("Kubernetes' own."),
  loadBalancerIP: ignored("Kubernetes' own."),
  loadBalancerClass: ignored("Kubernetes' own."),
  loadBalancerSourceRanges: ignored("Kubernetes' own."),
  allocateLoadBalancerNodePorts: ignored("Kubernetes' own."),
  healthCheckNodePort: ignored("Kubernetes' own."),
  trafficDistribution: ignored("Kubernetes' own."),
  ipFamilies: ignored("Kubernetes' own."),
  ipFamilyPolicy: ignored("Kubernetes' own."),
  sessionAffinity: ignored("Kubernetes' own."),
  sessionAffinityConfig: ignored("Kubernetes' own."),
  internalTrafficPolicy: ignored("Kubernetes' own."),
  externalTrafficPolicy: ignored("Kubernetes' own."),
  publishNotReadyAddresses: ignored("Kubernetes' own."),
});

const checkedFields = refine(specFields, ({ type, ports, clusterIP, externalName }, say, warn) => {
  if (type === "ExternalName") {
    warn(
      ["type"],
      "ExternalName is a matter of DNS: requests that name the Service itself find no endpoint",
      "another type",
    );
    if (externalName === undefined) say(["externalName"], "is required for type ExternalName", "a host name");
  } else if (ports.length === 0 && clusterIP !== "None") {
    say(["ports"], "must have at least 1 entry", "at least 1 entry");
  }
});

/** Ports of other transports are no business of the mesh's. */
export const serviceSpec = transform(checkedFields, (spec) => ({
  ...spec,
  ports: spec.ports.filter(({ protocol }) => protocol === "TCP"),
}));

export type ServiceSpec = Infer<typeof serviceSpec>;
export type ServicePort = ServiceSpec["ports"][number];
