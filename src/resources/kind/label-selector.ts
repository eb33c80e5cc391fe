/** Label selectors as Kubernetes has them (meta/v1 LabelSelector): all requirements must hold; an empty one takes everything. */
import { labelKey, labelValue } from "../scalars.ts";
import { type Infer, list, map, object, oneOfValues, optional, refine, required } from "../schema.ts";

const requirement = refine(
  object({
    key: required(labelKey, "The label."),
    operator: required(
      oneOfValues(["In", "NotIn", "Exists", "DoesNotExist"]),
      "What must hold of it; `NotIn` also where it is absent.",
    ),
    values: optional(list(labelValue, { max: 64 }), "For `In` and `NotIn`: what it is compared with."),
  }),
  ({ operator, values = [] }, say) => {
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues && values.length === 0) say(["values"], `is required for ${operator}`, "values");
    if (!takesValues && values.length > 0) say(["values"], `must be absent for ${operator}`, "nothing");
  },
);

export const labelSelector = object({
  matchLabels: optional(map(labelKey, labelValue, { max: 64 }), "Labels, all of which must be there."),
  matchExpressions: optional(list(requirement, { max: 64 }), "Requirements, all of which must hold."),
});

export type LabelSelector = Infer<typeof labelSelector>;
