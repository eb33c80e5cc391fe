/** What an address of the API names, and what was probably meant where there is no such thing. */
import { KINDS, type Kind, type Resource } from "../../resources/resource.ts";
import { closest } from "../../resources/suggest.ts";
import type { DocumentId } from "../source/edit.ts";
import { documentId } from "../source/source.ts";
import { HttpError } from "./http.ts";
import { didYouMean } from "./query.ts";

/** `/v1/resources/<kind>/<namespace>/<name>`; whether there is such a resource is another question. */
export function addressed(url: URL): DocumentId & { readonly kind: Kind } {
  let parts: readonly string[];
  try {
    parts = url.pathname.split("/").slice(3).map(decodeURIComponent);
  } catch {
    throw new HttpError(400, "invalid_path", "the address is not well encoded");
  }
  const [kind = "", namespace = "", name = ""] = parts;
  return { kind: kindOf(kind), namespace, name };
}

/** The kind of that name, without regard to case. */
export function kindOf(given: string): Kind {
  const kind = KINDS.find((known) => known.toLowerCase() === given.toLowerCase());
  if (kind !== undefined) return kind;
  throw notFound(`no kind ${JSON.stringify(given)}${didYouMean(closest(given, KINDS))}`);
}

/** The resource, or a 404 with what is called almost like it. */
export function findResource(resources: readonly Resource[], id: DocumentId): Resource {
  const ofKind = resources.filter(({ kind }) => kind === id.kind);
  const found = ofKind.find((resource) => {
    const { namespace, name } = documentId(resource);
    return namespace === id.namespace && name === id.name;
  });
  if (found !== undefined) return found;
  const titles = ofKind.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const elsewhere = ofKind.find(({ metadata }) => metadata.name === id.name)?.metadata.namespace;
  const meant =
    elsewhere === undefined ? closest(`${id.namespace}/${id.name}`, titles) : `${elsewhere}/${id.name}`;
  throw notFound(`no ${id.kind} ${id.namespace}/${id.name}${didYouMean(meant)}`);
}

function notFound(message: string): HttpError {
  return new HttpError(404, "not_found", message);
}
