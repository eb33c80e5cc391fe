/**
 * What an anchor stands for may be changed in one place and not in another: aliases and merge keys are written out, each with what
 * it means, as copies of what is written at the anchor. Values are never read for that: kubectl reads some of them differently.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, visit, type YAMLMap } from "yaml";

const MERGE_KEY = "<<";

/** In place. A document without aliases stays as it is. */
export function writeOutAliases(document: Document.Parsed): void {
  if (!hasAliases(document)) return;
  // In the order of the text: what an alias means stands before it, and holds none any more when it is copied.
  visit(document, {
    Alias: (_key, alias) => alias.resolve(document)?.clone() as ReturnType<typeof alias.resolve>,
    Map: (_key, map) => {
      map.items = merged(map, document);
    },
  });
  visit(document, {
    Value: (_key, node) => {
      delete node.anchor;
    },
  });
}

function hasAliases(document: Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** The map's own keys win, then those of earlier sources (https://yaml.org/type/merge.html). */
function merged(map: YAMLMap, document: Document.Parsed): Pair[] {
  if (!map.items.some(isMerge)) return map.items;
  const taken = new Set(map.items.map(keyOf));
  return map.items.flatMap((pair) => {
    if (!isMerge(pair)) return [pair];
    const sources = isSeq(pair.value) ? pair.value.items : [pair.value];
    return sources.flatMap((source) => {
      const from = isAlias(source) ? source.resolve(document) : source;
      const pairs = isMap(from) ? merged(from, document).filter((one) => !taken.has(keyOf(one))) : [];
      for (const one of pairs) taken.add(keyOf(one));
      return pairs.map((one) => one.clone());
    });
  });
}

function isMerge({ key }: Pair): boolean {
  return isScalar(key) && key.type === "PLAIN" && key.value === MERGE_KEY;
}

function keyOf({ key }: Pair): unknown {
  return isScalar(key) ? key.value : key;
}
