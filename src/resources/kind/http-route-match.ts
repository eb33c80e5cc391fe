/**
 * Which requests a rule of an HTTPRoute takes.
 */
import { type RegexUse, unsafeRegex } from "../safe-regex.ts";
import { headerName, headerValue, text } from "../scalars.ts";
import {
  list,
  object,
  oneOfValues,
  optional,
  refine,
  required,
  type Schema,
  withDefault,
} from "../schema.ts";
import { reportRepeated } from "../unique.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;

const valueType = oneOfValues(["Exact", "RegularExpression"]);

const pathMatch = refine(
  object({
    type: withDefault(
      oneOfValues(["Exact", "PathPrefix", "RegularExpression"]),
      "PathPrefix",
      "How it compares.",
    ),
    value: withDefault(text("text", { max: 1024 }), "/", "What it compares with."),
  }),
  ({ type, value }, say) => {
    if (type === "RegularExpression") {
      const danger = unsafeRegex(value);
      if (danger !== undefined) say(["value"], danger, "a simpler regular expression");
    } else if (!value.startsWith("/")) {
      say(["value"], "must begin with /", "a path that begins with /");
    } else if (/\/\/|\/\.\.?(?:\/|$)|%2f/i.test(value)) {
      say(
        ["value"],
        "must have no //, /./, /../ or %2F: no path is that after normalization",
        "a normal path",
      );
    } else if (!/^(?:[A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+$/.test(value)) {
      say(["value"], "must be a path as it is sent: no ?, # or spaces, all else percent-encoded", "a path");
    }
  },
);

const headerMatch = safeValue(
  {},
  object({
    type: withDefault(valueType, "Exact", "How it compares."),
    name: required(headerName, "The header, in any case."),
    value: required(headerValue, "What it compares with."),
  }),
);

const queryMatch = safeValue(
  // Parameters are decoded before they are compared, and %0A is a line end.
  { hasLineEnds: true },
  object({
    type: withDefault(valueType, "Exact", "How it compares."),
    name: required(text("a parameter's name", { pattern: /^[\x21-\x7e]+$/, max: 256 }), "The parameter."),
    value: required(text("text", { max: 1024 }), "What it compares with."),
  }),
);

export const httpRouteMatch = object({
  path: optional(pathMatch, "The path, without the query."),
  method: optional(oneOfValues(METHODS), "The method."),
  headers: optional(
    refine(list(headerMatch, { max: 16 }), (headers, say) => {
      reportRepeated(
        headers.map((h) => ({ name: h.name.toLowerCase() })),
        "name",
        say,
      );
    }),
    "Headers, all of which must hold.",
  ),
  queryParams: optional(
    refine(list(queryMatch, { max: 16 }), (params, say) => reportRepeated(params, "name", say)),
    "Parameters of the query, all of which must hold.",
  ),
});

function safeValue<T extends { readonly type: string; readonly value: string }>(
  use: RegexUse,
  schema: Schema<T>,
): Schema<T> {
  return refine(schema, ({ type, value }, say) => {
    const danger = type === "RegularExpression" ? unsafeRegex(value, use) : undefined;
    if (danger !== undefined) say(["value"], danger, "a simpler regular expression");
  });
}
