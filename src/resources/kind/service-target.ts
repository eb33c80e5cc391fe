/** The Service that a policy is for, in the policy's own namespace. */
import { dnsLabel } from "../scalars.ts";
import { object, oneOfValues, required, withDefault } from "../schema.ts";

export const serviceTarget = object({
  group: withDefault(oneOfValues([""]), "", "API group of the target."),
  kind: withDefault(oneOfValues(["Service"]), "Service", "Kind of the target."),
  name: required(dnsLabel, "Name of the target, in the policy's own namespace."),
});
