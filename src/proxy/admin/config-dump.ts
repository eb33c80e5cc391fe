/** Everything that the traffic loops serve from, with versions: what `weft explain` and a person in trouble read. */
import type { AppliedConfig, StoredType } from "../snapshot/store.ts";
import { STORED_TYPES } from "../snapshot/store.ts";
import type { Answer } from "./server.ts";
import { json, text } from "./server.ts";

/** `?type=` and `?name=` narrow it down. 400 for a type that does not exist. */
export function dumpConfig(config: AppliedConfig | undefined, query: URLSearchParams): Answer {
  const type = query.get("type");
  const name = query.get("name");
  const types: readonly StoredType[] = STORED_TYPES.filter((each) => type === null || each === type);
  if (types.length === 0) return text(400, `type must be one of ${STORED_TYPES.join(", ")}`);
  const dump = types.map((each) => {
    const all = [...(config?.[each].values() ?? [])];
    const shown = name === null ? all : all.filter((versioned) => versioned.name === name);
    return [each, shown.toSorted((a, b) => (a.name < b.name ? -1 : 1))] as const;
  });
  return json(200, Object.fromEntries(dump));
}
