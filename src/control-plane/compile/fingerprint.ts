/** What resources say, as text, to tell which of them are different. */
import type { Resource } from "../../resources/resource.ts";

export interface Fingerprint {
  readonly resource: Resource;
  readonly text: string;
}

/** JSON of resources that have not been read anew is not made anew. */
const contents = new WeakMap<Resource, string>();

export function contentOf(resource: Resource): string {
  let text = contents.get(resource);
  if (text === undefined) {
    text = JSON.stringify([resource.metadata, resource.spec]);
    contents.set(resource, text);
  }
  return text;
}

/** Resources that came, went (as they were) or differ (both as they were and as they are). */
export function differences(
  before: ReadonlyMap<string, Fingerprint>,
  after: ReadonlyMap<string, Fingerprint>,
): readonly Resource[] {
  const found: Resource[] = [];
  for (const [key, { resource, text }] of after) {
    const old = before.get(key);
    if (old?.text === text) continue;
    if (old !== undefined) found.push(old.resource);
    found.push(resource);
  }
  for (const [key, { resource }] of before) if (!after.has(key)) found.push(resource);
  return found;
}
