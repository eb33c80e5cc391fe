/**
 * What every resource says about itself. Fields that a Kubernetes API server adds are accepted, so that what `kubectl
 * get -o yaml` prints can be read, and not used.
 */

import { anyText, dnsLabel, labelKey, labelValue, text } from "./scalars.ts";
import {
  type Fields,
  type Infer,
  ignored,
  map,
  object,
  optional,
  required,
  type Schema,
  withDefault,
} from "./schema.ts";

/** What a Kubernetes API server writes: read past. */
const serverFields = {
  uid: ignored("Kubernetes' own."),
  resourceVersion: ignored("Kubernetes' own."),
  generation: ignored("Kubernetes' own."),
  managedFields: ignored("Kubernetes' own."),
  ownerReferences: ignored("Kubernetes' own."),
  finalizers: ignored("Kubernetes' own."),
  deletionTimestamp: ignored("Kubernetes' own."),
  deletionGracePeriodSeconds: ignored("Kubernetes' own."),
  generateName: ignored("Kubernetes' own."),
  selfLink: ignored("Kubernetes' own."),
} as const satisfies Fields;

/** The table of `metadata` for a kind whose names have a form. */
export function metadataOf(name: Schema<string>) {
  return object({
    name: required(name, "Unique among resources of its kind in its namespace."),
    namespace: withDefault(dnsLabel, "default", "Where it lives."),
    labels: withDefault(map(labelKey, labelValue, { max: 64 }), {}, "What Services select by."),
    annotations: withDefault(map(labelKey, anyText, { max: 64 }), {}, "Notes for people and tools."),
    creationTimestamp: optional(
      text("a date and time such as 2025-01-31T12:00:00Z", {
        pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/,
        max: 40,
      }),
      "When it was made; older routes win where matches are alike.",
    ),
    ...serverFields,
  });
}

export type Metadata = Infer<ReturnType<typeof metadataOf>>;
