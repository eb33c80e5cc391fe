/** What comes of each text that another replica has written where the CA is shared. */
import type { Log } from "../log.ts";
import type { SharedRoot } from "../shared-root.ts";
import type { EmbeddedAuthority } from "./embedded-authority.ts";

/** Follows `shared`, if there is one. `onAdopted`: another root signs, or others are trusted. */
export function followShared(
  shared: SharedRoot | undefined,
  authority: EmbeddedAuthority,
  log: Log,
  onAdopted: () => void,
): void {
  let reported = "";
  shared?.follow((text) => {
    const adoption = authority.adopt(text);
    const reason = adoption.kind === "unusable" ? adoption.reason : "";
    if (reason !== "" && reason !== reported)
      log.error({ reason }, "the shared CA is refused; the CA stays as it was");
    reported = reason;
    if (adoption.kind !== "adopted") return;
    log.info({ phase: adoption.phase }, "the root rotation of another replica");
    onAdopted();
  });
}
