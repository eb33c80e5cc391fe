/**
 * Key sets of RequestAuthentications that name a URL: fetched here, once for all sidecars, and laid into the resources before they
 * are compiled. What was fetched last stays when a later attempt fails.
 */
import type { RequestAuthentication, Resource } from "../resources/resource.ts";
import { fetchJwks } from "./jwks-fetch.ts";
import type { Log } from "./log.ts";

/** As Istio's. */
export const REFRESH_MS = 1_200_000;
const JITTER = 0.1;
const FIRST_RETRY_MS = 1_000;

interface Entry {
  jwks: string;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  isWanted: boolean;
}

export interface JwksOptions {
  /** Whether keys may be fetched from loopback and link-local addresses. */
  readonly allowsLocal: boolean;
  /** Keys are others than before: resources are to be filled again. */
  readonly onChange: () => void;
  readonly log: Log;
}

export class JwksStore {
  readonly #options: JwksOptions;
  readonly #entries = new Map<string, Entry>();
  /** What a resource became with certain keys: the same object again, so that nothing compiles anew. */
  readonly #filled = new WeakMap<Resource, { readonly keys: string; readonly resource: Resource }>();
  #isClosed = false;

  constructor(options: JwksOptions) {
    this.#options = options;
  }

  /** The resources with keys in the place of URLs; begins to fetch what is not known, and forgets what nobody names. */
  fill(resources: readonly Resource[]): readonly Resource[] {
    for (const entry of this.#entries.values()) entry.isWanted = false;
    const filled = resources.map((resource) =>
      resource.kind === "RequestAuthentication" ? this.#fillOne(resource) : resource,
    );
    for (const [uri, entry] of this.#entries) {
      if (entry.isWanted) continue;
      clearTimeout(entry.timer);
      this.#entries.delete(uri);
    }
    return filled;
  }

  #fillOne(resource: RequestAuthentication): Resource {
    const keys = resource.spec.jwtRules.map(({ jwksUri }) =>
      jwksUri === undefined ? undefined : this.#keysOf(jwksUri),
    );
    if (keys.every((jwks) => jwks === undefined || jwks === "")) return resource;
    const text = JSON.stringify(keys);
    const known = this.#filled.get(resource);
    if (known?.keys === text) return known.resource;
    const jwtRules = resource.spec.jwtRules.map((rule, i) => (keys[i] ? { ...rule, jwks: keys[i] } : rule));
    const filled = { ...resource, spec: { ...resource.spec, jwtRules } };
    this.#filled.set(resource, { keys: text, resource: filled });
    return filled;
  }

  /** Empty: not fetched yet. */
  #keysOf(uri: string): string {
    let entry = this.#entries.get(uri);
    if (entry === undefined) {
      entry = { jwks: "", failures: 0, timer: undefined, isWanted: true };
      this.#entries.set(uri, entry);
      void this.#fetch(uri, entry);
    }
    entry.isWanted = true;
    return entry.jwks;
  }

  async #fetch(uri: string, entry: Entry): Promise<void> {
    const { allowsLocal, onChange, log } = this.#options;
    const fetched = await fetchJwks(uri, allowsLocal);
    if (this.#isClosed || this.#entries.get(uri) !== entry) return;
    let delayMs = REFRESH_MS;
    if (fetched.kind === "failed") {
      delayMs = Math.min(REFRESH_MS, FIRST_RETRY_MS * 2 ** entry.failures++);
      log.warn({ uri, reason: fetched.reason, retryMs: delayMs }, "keys of an issuer could not be fetched");
    } else {
      entry.failures = 0;
      if (fetched.jwks !== entry.jwks) {
        entry.jwks = fetched.jwks;
        log.info({ uri }, "keys of an issuer fetched");
        onChange();
      }
    }
    const jitter = 1 + JITTER * (2 * Math.random() - 1);
    entry.timer = setTimeout(() => void this.#fetch(uri, entry), delayMs * jitter).unref();
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
  }
}
