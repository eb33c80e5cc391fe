/** A share of requests, as the Gateway API's mirrors have it: `percent`, or `fraction` where a whole percent is too coarse. */
import { integer } from "../scalars.ts";
import { object, optional, refine, required, type Say, withDefault } from "../schema.ts";

const fraction = refine(
  object({
    numerator: required(integer(0, 1_000_000_000), "So many …"),
    denominator: withDefault(integer(1, 1_000_000_000), 100, "… of so many."),
  }),
  ({ numerator, denominator }, say) => {
    if (numerator > denominator)
      say(
        ["numerator"],
        `must not be greater than the denominator, ${denominator}`,
        `at most ${denominator}`,
      );
  },
  {
    rule: "self.numerator <= (has(self.denominator) ? self.denominator : 100)",
    message: "numerator must not be greater than denominator",
  },
);

/** The two fields; `of` says what they are a share of. */
export function shareFields(of: string, peer?: string) {
  return {
    percent: optional(integer(0, 100, { unit: "%" }), `Share of ${of}; default: all.`, peer),
    fraction: optional(fraction, `Share of ${of}, as a fraction.`),
  };
}

export interface Share {
  readonly percent?: number;
  readonly fraction?: { readonly numerator: number; readonly denominator: number };
}

/** A rule for `refine`. */
export function checkShare({ percent, fraction }: Share, say: Say): void {
  if (percent !== undefined && fraction !== undefined)
    say(["fraction"], "must not stand beside percent", "percent or fraction, not both");
}
