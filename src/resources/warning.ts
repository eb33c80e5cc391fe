/** A warning about a resource that is right in itself, and in vain beside the others. */
import type { Issue } from "./issue.ts";
import { fieldName, type Path } from "./problem.ts";
import { placeOf, type Resource, resourceId } from "./resource.ts";

export interface Said {
  readonly found: string;
  readonly expected: string;
  /** What follows the resource's name. */
  readonly message: string;
  readonly suggestion?: string | undefined;
}

/** `path`: of the field that it is about. */
export function warningAt(resource: Resource, path: Path, said: Said): Issue {
  const { found, expected, message, suggestion } = said;
  return {
    severity: "warning",
    file: resource.origin.file,
    ...placeOf(resource, path),
    kind: resource.kind,
    name: resource.metadata.name,
    field: fieldName(path),
    found,
    expected,
    message: `${resourceId(resource)} ${message}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}
