/** When people are told that a CA's certificate ends, in time to replace it. */

const DAY_MS = 86_400_000;
/** Days before the end, the last first. */
export const NOTICE_DAYS = [1, 7, 30] as const;

export type ExpiryNotice =
  | { readonly kind: "fine" }
  /** Fewer days are left than one of `NOTICE_DAYS`, the least of which is `within`. */
  | { readonly kind: "soon"; readonly within: (typeof NOTICE_DAYS)[number]; readonly daysLeft: number }
  | { readonly kind: "expired" };

/** Both in milliseconds since 1970. */
export function expiryNotice(notAfter: number, now: number): ExpiryNotice {
  const left = notAfter - now;
  if (left <= 0) return { kind: "expired" };
  const within = NOTICE_DAYS.find((days) => left <= days * DAY_MS);
  return within === undefined
    ? { kind: "fine" }
    : { kind: "soon", within, daysLeft: Math.floor(left / DAY_MS) };
}
