/** What a schema accepts, as plain data: for those who say it in other words, such as JSON schemas and reference pages. */
import type { CelRule } from "./cel.ts";
import type { Fields } from "./schema.ts";

export type Shape =
  | {
      readonly kind: "string";
      readonly expected: string;
      readonly pattern?: string;
      readonly maxLength: number;
    }
  | {
      readonly kind: "integer";
      readonly min: number;
      readonly max: number;
      readonly nullable: boolean;
      readonly unit?: string;
    }
  | { readonly kind: "boolean" }
  | { readonly kind: "duration"; readonly min: string; readonly max: string }
  /** `isNamed`: the name of a port will do too. */
  | { readonly kind: "portReference"; readonly isNamed: boolean }
  /** A status of HTTP, or two with a hyphen between them. */
  | { readonly kind: "statusRange"; readonly pattern: string }
  | { readonly kind: "enum"; readonly values: readonly (string | number)[] }
  | { readonly kind: "list"; readonly item: Shape; readonly minItems: number; readonly maxItems: number }
  | { readonly kind: "map"; readonly key: string; readonly value: Shape; readonly maxEntries: number }
  /** `rules`: what of its refinements an API server can check. */
  | { readonly kind: "object"; readonly fields: Fields; readonly rules?: readonly CelRule[] }
  | { readonly kind: "union"; readonly variants: Readonly<Record<string, Fields>> };
