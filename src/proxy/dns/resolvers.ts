/**
 * Whom the proxy asks for names of others: the resolvers of /etc/resolv.conf, which is read anew when it has changed. Netfilter leaves
 * the sidecar's own questions alone, so they are reached there although the application's questions to them are not. One that has
 * failed is asked last for a while.
 */
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

export interface Resolver {
  readonly address: string;
  readonly port: number;
}

/** What resolvers do with more (resolv.conf(5), MAXNS). */
const MAX_RESOLVERS = 3;
const DNS_PORT = 53;
/** How often it is looked whether the file has changed. */
const LOOK_INTERVAL_MS = 5_000;
const AVOID_MS = 10_000;

export interface ResolversOptions {
  /** Fixed ones, instead of those of the file. */
  readonly fixed?: readonly Resolver[] | undefined;
  readonly file?: string;
  /** Where the proxy itself listens: it never asks itself. */
  readonly isOwn: (resolver: Resolver) => boolean;
  readonly now: () => number;
}

export class Resolvers {
  readonly #options: ResolversOptions;
  readonly #avoidUntil = new Map<string, number>();
  #all: readonly Resolver[];
  #stamp = "";
  #lookAt = 0;

  constructor(options: ResolversOptions) {
    this.#options = options;
    this.#all = this.#own(options.fixed ?? []);
  }

  /** Those that have failed of late come last. */
  inOrder(): readonly Resolver[] {
    const now = this.#options.now();
    if (this.#options.fixed === undefined && now >= this.#lookAt) {
      this.#lookAt = now + LOOK_INTERVAL_MS;
      this.#look();
    }
    const isAvoided = (resolver: Resolver): boolean => (this.#avoidUntil.get(keyOf(resolver)) ?? 0) > now;
    return [...this.#all.filter((one) => !isAvoided(one)), ...this.#all.filter(isAvoided)];
  }

  failed(resolver: Resolver): void {
    this.#avoidUntil.set(keyOf(resolver), this.#options.now() + AVOID_MS);
  }

  answered(resolver: Resolver): void {
    this.#avoidUntil.delete(keyOf(resolver));
  }

  #look(): void {
    const { file = "/etc/resolv.conf" } = this.#options;
    try {
      const { mtimeMs, ino, size } = statSync(file);
      const stamp = `${mtimeMs} ${ino} ${size}`;
      if (stamp === this.#stamp) return;
      this.#all = this.#own(nameservers(readFileSync(file, "utf8")));
      this.#stamp = stamp;
      this.#avoidUntil.clear();
    } catch {
      // It is being replaced, or was never there: those known last are as good as any.
    }
  }

  #own(resolvers: readonly Resolver[]): readonly Resolver[] {
    return resolvers.filter((resolver) => !this.#options.isOwn(resolver)).slice(0, MAX_RESOLVERS);
  }
}

/** Resolvers that a resolv.conf names. */
export function nameservers(text: string): readonly Resolver[] {
  const named = [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, address = ""]) => address);
  return named.filter((address) => isIP(address) !== 0).map((address) => ({ address, port: DNS_PORT }));
}

function keyOf({ address, port }: Resolver): string {
  return `${address} ${port}`;
}
