/**
 * RequestAuthentication (weft.dev/v1alpha1): which tokens of people and programs (JWT, RFC 7519) are believed, in Istio's shape. A
 * request without a token passes; what it may do is an AuthorizationPolicy's to say. One with a token that is not right is refused.
 */
import { exactlyOne } from "../cel.ts";
import { metadataOf } from "../metadata.ts";
import { anyText, boolean, dnsName, headerName, labelKey, labelValue, text } from "../scalars.ts";
import { type Infer, list, map, object, optional, refine, required, withDefault } from "../schema.ts";
import { ROOT_NAMESPACE } from "./authorization-policy.ts";
import { jwksFault } from "./jwks.ts";

export const requestAuthenticationMetadata = metadataOf(dnsName);

const name = text("a name of 1 to 256 visible characters", { pattern: /^[!-~]{1,256}$/ });
const url = text("an http or https URL", { pattern: /^https?:\/\/[^\s/]+(?:\/\S*)?$/, max: 2_048 });

const jwtRule = refine(
  object({
    issuer: required(name, "What the token's `iss` must be.", "Istio `issuer`"),
    audiences: optional(
      list(name, { min: 1, max: 64 }),
      "Any of these must be in `aud`; absent: any is taken.",
    ),
    jwks: optional(anyText, "The issuer's public keys: a JSON Web Key Set (RFC 7517) as text."),
    jwksUri: optional(url, "Where they are; the control plane fetches them, and again every 20 minutes."),
    fromHeaders: optional(
      list(
        object({
          name: required(headerName, "The header."),
          prefix: withDefault(anyText, "", "What stands before the token."),
        }),
        {
          min: 1,
          max: 16,
        },
      ),
      "Headers that hold the token. Without these and fromParams: `Authorization: Bearer`, and the parameter `access_token`.",
    ),
    fromParams: optional(list(name, { min: 1, max: 16 }), "Parameters of the query that hold the token."),
    forwardOriginalToken: withDefault(
      boolean,
      false,
      "Whether the header with the token goes on to the application.",
    ),
    outputClaimToHeaders: optional(
      list(
        object({
          header: required(headerName, "The header."),
          claim: required(name, "The claim; `a.b` is b within a."),
        }),
        {
          min: 1,
          max: 16,
        },
      ),
      "Claims that the application gets as headers; the same headers of the client's are removed.",
    ),
  }),
  ({ jwks, jwksUri }, say) => {
    if (jwks !== undefined && jwksUri !== undefined)
      say(["jwksUri"], "and jwks exclude each other", "one of the two");
    if (jwks === undefined && jwksUri === undefined) say([], "needs jwks or jwksUri", "the issuer's keys");
    const fault = jwks === undefined ? undefined : jwksFault(jwks);
    if (fault !== undefined) say(["jwks"], `is no set of public keys: ${fault}`, "a JSON Web Key Set");
  },
  exactlyOne(["jwks", "jwksUri"]),
);

export const requestAuthenticationSpec = object({
  selector: optional(
    object({
      matchLabels: withDefault(
        map(labelKey, labelValue, { max: 64 }),
        {},
        "Labels that a Workload must have; none: every Workload.",
      ),
    }),
    `Whom it is for; absent: every Workload of the namespace, and in \`${ROOT_NAMESPACE}\` of the mesh.`,
    "Istio `selector`",
  ),
  jwtRules: withDefault(list(jwtRule, { max: 64 }), [], "Whose tokens are believed."),
});

export type RequestAuthenticationSpec = Infer<typeof requestAuthenticationSpec>;
