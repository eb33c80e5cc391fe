/** TrafficPolicy `priority`: whose requests go first when a sidecar has more than it can take. */
import { dnsName, headerName, headerValue } from "../scalars.ts";
import { list, object, oneOfValues, optional, required, withDefault } from "../schema.ts";

const priorityClass = oneOfValues(["critical", "default", "sheddable"]);
const CLASS =
  "`sheddable` requests are refused first, `default` ones after them, `critical` ones never; these have circuit breakers of their own.";

export const priority = object({
  class: withDefault(priorityClass, "default", CLASS),
  routes: optional(
    list(
      object({
        name: required(dnsName, "Name of an HTTPRoute in the policy's namespace."),
        class: required(priorityClass, "Class of what its rules take."),
      }),
      { min: 1, max: 64 },
    ),
    "Routes with a class of their own.",
  ),
  headers: optional(
    list(
      object({
        name: required(headerName, "Name of the header."),
        value: optional(headerValue, "Its value, to the letter; default: any."),
        class: required(
          priorityClass,
          "Class of requests that have it; the first that holds decides, before routes.",
        ),
      }),
      { min: 1, max: 16 },
    ),
    "Headers that tell the class.",
  ),
});
