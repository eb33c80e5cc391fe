/**
 * Changes to the head of a message. What frames a message, names its host or says who is calling is Weft's own to write:
 * a route that could set it could split requests (RFC 9112 §6) or forge an identity.
 */
import { headerName, headerValue } from "../scalars.ts";
import { list, object, optional, refine, required, type Say } from "../schema.ts";
import { reportRepeated } from "../unique.ts";

const FRAMING: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const headerValues = refine(
  list(object({ name: required(headerName, "The header."), value: required(headerValue, "Its value.") }), {
    max: 16,
  }),
  (values, say) => {
    const names = values.map(({ name }) => ({ name: name.toLowerCase() }));
    reportRepeated(names, "name", say);
    for (const [i, { name }] of names.entries()) checkName(name, [i, "name"], say);
  },
);

export const headerModifier = object({
  set: optional(headerValues, "Headers that replace those of the same name."),
  add: optional(headerValues, "Headers that come on top."),
  remove: optional(
    refine(list(headerName, { max: 16 }), (names, say) => {
      for (const [i, name] of names.entries()) checkName(name.toLowerCase(), [i], say);
    }),
    "Headers that go.",
  ),
});

function checkName(name: string, at: readonly (string | number)[], say: Say): void {
  if (FRAMING.has(name))
    say(at, `${name} frames the message and is not a route's to change`, "another header");
  else if (name === "host") say(at, "host is changed by a URLRewrite filter with hostname", "another header");
  else if (name === "x-forwarded-client-cert" || name.startsWith("x-weft-"))
    say(at, `${name} is written by Weft alone`, "another header");
}
