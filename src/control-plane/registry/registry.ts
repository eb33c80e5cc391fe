/** A source with those who have registered themselves beside what it knows, also with other replicas of this control plane. */
import { joinInstances, joinMoved } from "../compile/joined-instances.ts";
import type { Log } from "../log.ts";
import type { RegistryPeers } from "../shared-root.ts";
import type { Source } from "../source/source.ts";
import { tellOf } from "./elsewhere.ts";
import { readKept, writeKept } from "./kept.ts";
import { Registrations } from "./registrations.ts";

export interface RegistryOptions {
  /** Where they are kept; absent: nowhere. */
  readonly file: string | undefined;
  /** Absent: there are no other replicas. */
  readonly peers: RegistryPeers | undefined;
  readonly log: Log;
  /** Somebody came or went. Not called before `share`. */
  readonly onChange: () => void;
}

export interface Registry {
  readonly source: Source;
  readonly registrations: Registrations;
  /** From now on changes are told, and the other replicas, where there are any, are told and heard. */
  share(): void;
  close(): void;
}

export function openRegistry(source: Source, { file, peers, log, onChange }: RegistryOptions): Registry {
  let isOpen = false;
  const registrations = new Registrations({
    known: source.instances,
    onChange: () => {
      if (!isOpen) return;
      peers?.hurry();
      onChange();
    },
    after: (ms, run) => {
      const timer = setTimeout(run, ms).unref();
      return () => clearTimeout(timer);
    },
  });
  if (file !== undefined) registrations.restore(readKept(file, log));
  const joined: Source = {
    get state() {
      return source.state;
    },
    get status() {
      return source.status;
    },
    get isReady() {
      return source.isReady;
    },
    instances: joinInstances(source.instances, registrations),
    rescan: () => source.rescan(),
    moved: () => {
      const moved = registrations.take();
      if (file !== undefined && moved.workloads.size > 0) writeKept(file, registrations.nodes, log);
      return joinMoved(source.moved(), moved);
    },
    watch: (...what) => source.watch(...what),
    edit: (...what) => source.edit(...what),
    close: () => source.close(),
  };
  let isTooMany = false;
  const tell = () => {
    const { registrants, leftOut } = tellOf(registrations.claims);
    if (leftOut > 0 && !isTooMany)
      log.warn({ leftOut }, "other replicas are not told of all who registered here");
    isTooMany = leftOut > 0;
    return registrants;
  };
  return {
    source: joined,
    registrations,
    share: () => {
      isOpen = true;
      peers?.tellRegistrants(tell, (words, now) => registrations.hear(words, now));
    },
    close: () => {
      isOpen = false;
      registrations.close();
    },
  };
}
