/** What a route hangs on: Services, as the Gateway API's GAMMA profile has it (GEP-1294). */
import { apiGroup, dnsLabel, dnsName, kindName, port } from "../scalars.ts";
import { list, object, optional, refine, required, withDefault } from "../schema.ts";
import { isService } from "./http-route-backend.ts";

const parentFields = object({
  group: withDefault(
    apiGroup,
    "",
    'API group of the parent: `""` as for Services. (The Gateway API\'s own default is for Gateways.)',
  ),
  kind: withDefault(kindName, "Service", "Kind of the parent; others than `Service` are left alone."),
  name: required(dnsName, "Name of the parent."),
  namespace: optional(
    dnsLabel,
    "Its namespace; default: the route's. Another one makes it a consumer route, for clients of the route's namespace.",
  ),
  port: optional(port, "The Service's port; default: all of them."),
  sectionName: optional(dnsName, "Name of the Service's port; default: all of them."),
});

const parentRef = refine(parentFields, (parent, _say, warn) => {
  if (isService(parent)) return;
  if (parent.kind === "Service") warn(["group"], 'Services are of group "": this parent is left alone', '""');
  else warn(["kind"], "only parents of kind Service are served: this one is left alone", "Service");
});

export const parentRefs = list(parentRef, { min: 1, max: 32 });
