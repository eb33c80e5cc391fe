/** A CA in a directory of its own, with clocks that stand still until they are moved, and everything that it has told. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent } from "../../src/control-plane/ca/audit.ts";
import {
  type AuthorityOptions,
  CertificateAuthority,
} from "../../src/control-plane/ca/certificate-authority.ts";
import { EmbeddedAuthority } from "../../src/control-plane/ca/embedded-authority.ts";
import { TokenBook, type TokenWish } from "../../src/control-plane/ca/token-book.ts";
import { HOUR, TRUST_DOMAIN } from "./pki.ts";

export const CLUSTER = "east";

export interface TestPlane {
  readonly directory: string;
  readonly ca: CertificateAuthority;
  readonly authority: EmbeddedAuthority;
  readonly tokens: TokenBook;
  readonly events: AuditEvent[];
  readonly clock: { wall: number; monotonic: number };
  /** A token for `default/web`, for an hour and one use unless wished otherwise. */
  token(wish?: Partial<TokenWish>): string;
  close(): Promise<void>;
}

/** A directory that `close` of its last user removes. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "weft-ca-"));
}

/** Starts a plane, on a directory that another has left where one is given. */
export function startPlane(
  options: Partial<AuthorityOptions> & { readonly directory?: string; readonly cluster?: string } = {},
): TestPlane {
  const directory = options.directory ?? temporaryDirectory();
  const clock = { wall: Date.now(), monotonic: 0 };
  const opened = EmbeddedAuthority.open(directory, TRUST_DOMAIN, clock.wall);
  if (opened.kind === "unusable") throw new Error(opened.reason);
  const { authority } = opened;
  const audience = { trustDomain: TRUST_DOMAIN, cluster: options.cluster ?? CLUSTER };
  const book = TokenBook.open(directory, audience, clock.wall);
  if (book.kind === "unusable") throw new Error(book.reason);
  const tokens = book.book;
  const events: AuditEvent[] = [];
  const ca = new CertificateAuthority({
    trustDomain: TRUST_DOMAIN,
    source: authority,
    tokens,
    audit: (event) => events.push(event),
    wallClock: () => clock.wall,
    monotonicClock: () => clock.monotonic,
    ...options,
  });
  return {
    directory,
    ca,
    authority,
    tokens,
    events,
    clock,
    token: (wish = {}) => {
      const whole = {
        namespace: "default",
        serviceAccount: "web",
        expiresAt: clock.wall + HOUR,
        uses: 1,
        ...wish,
      };
      return tokens.make(whole, clock.wall);
    },
    close: async () => {
      await tokens.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
