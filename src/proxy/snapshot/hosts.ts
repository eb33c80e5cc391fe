/**
 * What this sidecar knows of the mesh's names, for its DNS proxy: asked for one at a time, kept and followed while they are used, and
 * forgotten afterwards. Names that the mesh does not have are known as such. Bounded, because names are anybody's choice: the name
 * unused for longest makes room.
 */
import type { HostResource } from "../../discovery/host.ts";
import type { DiscoveryError, DiscoveryResponse, VersionedResource } from "../../discovery/messages.ts";
import { checkResource } from "./build.ts";
import type { SubscriptionLink } from "./subscriber.ts";

export const MAX_NAMES = 4_096;
/** Most names that the control plane has not answered for. */
export const MAX_UNANSWERED = 256;
/** A control plane that was only busy has answered by then; one that was started with files it can't use says nothing until they are mended. */
const EXPECTED_MS = 30_000;

/** Null: the mesh does not have it. Undefined: nobody has answered yet. */
export type Known = HostResource | null | undefined;

interface Entry {
  held: VersionedResource<HostResource> | null | undefined;
  readonly askedAt: number;
  isUsed: boolean;
  /** Somebody has waited for the answer in vain: nobody else does. */
  isLate: boolean;
  waiters: Set<() => void> | null;
}

export class Hosts {
  readonly #link: SubscriptionLink;
  readonly #changed: () => void;
  readonly #nowMs: () => number;
  /** The name used last comes last. */
  readonly #entries = new Map<string, Entry>();
  #unanswered = 0;

  /** `changed`: something is held that was not, or no longer. */
  constructor(
    link: SubscriptionLink,
    changed: () => void = () => {},
    nowMs: () => number = () => performance.now(),
  ) {
    this.#link = link;
    this.#changed = changed;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Everything held, with the name used last at the end. */
  *held(): Iterable<VersionedResource<HostResource>> {
    for (const { held } of this.#entries.values()) if (held) yield held;
  }

  /** Begins with what an earlier run left; it is forgotten like any other. */
  restore(resources: Iterable<VersionedResource>): void {
    for (const resource of resources) {
      const host = resource as VersionedResource<HostResource>;
      if (checkResource("host", host.resource) !== undefined || this.#entries.size >= MAX_NAMES) continue;
      this.#entries.set(host.name, { held: host, ...this.#fresh(false) });
    }
    if (this.#entries.size > 0) this.#link.subscribe("host", [...this.#entries.keys()]);
  }

  find(name: string): Known {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.held === null ? null : entry.held?.resource;
  }

  /** Calls `waiter` once, when there is an answer. False: it won't be told, since there are too many, or the answer is late. */
  ask(name: string, waiter: () => void): boolean {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      if (this.#unanswered >= MAX_UNANSWERED) return false;
      if (this.#entries.size >= MAX_NAMES) this.#forgetOldest();
      entry = { held: undefined, ...this.#fresh(true) };
      this.#entries.set(name, entry);
      this.#unanswered++;
      this.#link.subscribe("host", [name]);
    }
    if (entry.isLate) return false;
    entry.waiters ??= new Set();
    entry.waiters.add(waiter);
    return true;
  }

  /** The waiter has waited long enough. */
  leave(name: string, waiter: () => void): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.waiters?.delete(waiter);
    entry.isLate = true;
  }

  /** Whether an answer may still come. */
  isExpected(name: string): boolean {
    const entry = this.#entries.get(name);
    return entry === undefined || this.#nowMs() - entry.askedAt < EXPECTED_MS;
  }

  versions(): Record<string, string> {
    const versions: Record<string, string> = {};
    for (const { name, version } of this.held()) versions[name] = version;
    return versions;
  }

  /** Takes a response; what of it can't be used is returned, and its last good version stays. */
  receive({ resources, removed }: DiscoveryResponse): readonly DiscoveryError[] {
    const errors: DiscoveryError[] = [];
    for (const resource of resources) {
      const host = resource as VersionedResource<HostResource>;
      const error = checkResource("host", host.resource);
      if (error === undefined) this.#settle(host.name, host);
      else {
        errors.push({ ...error, resource: host.name });
        this.#settle(host.name, this.#entries.get(host.name)?.held ?? null);
      }
    }
    for (const name of removed) this.#settle(name, null);
    this.#changed();
    return errors;
  }

  /** Forgets names that nobody has used since the last time. */
  sweep(): void {
    const idle: string[] = [];
    for (const [name, entry] of this.#entries) {
      if (!entry.isUsed) idle.push(name);
      entry.isUsed = false;
    }
    for (const name of idle) this.#drop(name);
    if (idle.length === 0) return;
    this.#link.unsubscribe("host", idle);
    this.#changed();
  }

  #fresh(isUsed: boolean): Omit<Entry, "held"> {
    return { askedAt: this.#nowMs(), isUsed, isLate: false, waiters: null };
  }

  #settle(name: string, held: VersionedResource<HostResource> | null): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    if (entry.held === undefined) this.#unanswered--;
    entry.held = held;
    entry.isLate = false;
    const { waiters } = entry;
    entry.waiters = null;
    for (const waiter of waiters ?? []) waiter();
  }

  #forgetOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest === undefined) return;
    this.#drop(oldest);
    this.#link.unsubscribe("host", [oldest]);
  }

  #drop(name: string): void {
    if (this.#entries.get(name)?.held === undefined) this.#unanswered--;
    this.#entries.delete(name);
  }
}
