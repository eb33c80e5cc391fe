/** What of a request is hashed, with its name as it is looked for in a head. */

export type HashSource =
  | { readonly kind: "header"; readonly name: Buffer }
  | { readonly kind: "cookie" | "query"; readonly name: string }
  | { readonly kind: "source" };

/** As configuration says it: names of headers in lower case. */
type Key =
  | { readonly kind: "header" | "cookie" | "query"; readonly name: string }
  | { readonly kind: "source" };

export function hashSource(key: Key | undefined): HashSource | null {
  if (key === undefined) return null;
  switch (key.kind) {
    case "header":
      return { kind: "header", name: Buffer.from(key.name, "latin1") };
    case "cookie":
    case "query":
      return { kind: key.kind, name: key.name };
    case "source":
      return { kind: "source" };
  }
}
