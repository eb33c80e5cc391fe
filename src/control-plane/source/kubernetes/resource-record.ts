/**
 * What is kept of an object that is a resource of Weft's: the resource as the compiler takes it, what is wrong with it, and its
 * status. While an object is wrong, the resource is the last good one.
 */
import { readDocument } from "../../../resources/document.ts";
import { hasErrors, type Issue } from "../../../resources/issue.ts";
import { fieldName } from "../../../resources/problem.ts";
import { projectObject } from "../../../resources/project.ts";
import type { Kind, Resource } from "../../../resources/resource.ts";
import type { Versioned } from "./informer.ts";
import { isMap, type Json, mapOf, mapsOf, metadataOf, textOf } from "./object.ts";

export interface ResourceRecord extends Versioned {
  readonly kind: Kind;
  /** Absent: there has never been a good one. */
  readonly resource: Resource | undefined;
  readonly issues: readonly Issue[];
  /** Of the object: another one of its name has another. */
  readonly uid: string;
  /** Of the specification, as the API server counts. */
  readonly generation: number;
  /** As it stands in the object. */
  readonly status: Json | undefined;
  /** What was read, to tell whether another version says anything else. */
  readonly text: string;
}

const NO_PLACES = new Uint32Array();

/** Whether a status is written to objects of the kind: then the one that is there is kept. */
export function hasStatus(kind: Kind): boolean {
  return kind !== "Service" && kind !== "NetworkPolicy";
}

/** Kinds of the Gateway API, whose status has a part for each parent. */
export function isRoute(kind: Kind): boolean {
  return kind === "HTTPRoute" || kind === "TCPRoute";
}

/** Routes of Gateways are others' business: they may say what Weft does not know. */
export function isOfMesh(kind: Kind, object: Json): boolean {
  if (!isRoute(kind)) return true;
  return mapsOf(mapOf(object["spec"])["parentRefs"]).some((parent) => parent["kind"] === "Service");
}

/** How an object is called where files are: `kubernetes:HTTPRoute/default/web`. */
export function originOf(kind: Kind, key: string): string {
  return `kubernetes:${kind}${key.startsWith("/") ? "" : "/"}${key}`;
}

/** Reads an object of `kind`. Never throws, whatever it holds. */
export function decodeResource(
  kind: Kind,
  object: Json,
  key: string,
  version: string,
  old: ResourceRecord | undefined,
): ResourceRecord {
  const document = projectObject(kind, object);
  const text = JSON.stringify(document);
  const { generation, uid } = metadataOf(object);
  const known = {
    kind,
    version,
    text,
    uid: textOf(uid) ?? "",
    generation: typeof generation === "number" ? generation : 0,
    status: hasStatus(kind) && isMap(object["status"]) ? object["status"] : undefined,
  };
  if (old?.text === text) return { ...known, resource: old.resource, issues: old.issues };
  const { problems, envelope, ...names } = readDocument(document);
  const file = originOf(kind, key);
  const issues = problems.map(({ path, at: _at, ...problem }) => {
    return { ...problem, ...names, file, line: 1, column: 1, field: fieldName(path) };
  });
  if (envelope === undefined || hasErrors(issues)) return { ...known, resource: old?.resource, issues };
  const origin = { file, line: 1 };
  // The table of the kind has checked that kind, version and spec belong together.
  const resource = { ...envelope, origin, document, places: NO_PLACES } as Resource;
  return { ...known, resource, issues };
}
