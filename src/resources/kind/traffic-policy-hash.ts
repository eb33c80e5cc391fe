/** What of a request makes it belong with others: one of four things. */
import { exactlyOne } from "../cel.ts";
import { anyText, boolean, headerName, text } from "../scalars.ts";
import { object, optional, refine } from "../schema.ts";

const cookieName = text("a cookie's name", { pattern: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, max: 256 });

export const hashFields = refine(
  object({
    header: optional(headerName, "The header of this name.", "Istio `httpHeaderName`"),
    cookie: optional(cookieName, "The cookie of this name.", "Istio `httpCookie.name`"),
    query: optional(anyText, "The first parameter of this name.", "Istio `httpQueryParameterName`"),
    sourceAddress: optional(boolean, "`true`: the client's address.", "Istio `useSourceIp`"),
  }),
  ({ header, cookie, query, sourceAddress }, say) => {
    const named = [header, cookie, query, sourceAddress === true || undefined].filter(
      (one) => one !== undefined,
    );
    if (named.length !== 1)
      say([], `names ${named.length} things`, "one of header, cookie, query and sourceAddress");
  },
  exactlyOne(["header", "cookie", "query"], ["sourceAddress"]),
);
