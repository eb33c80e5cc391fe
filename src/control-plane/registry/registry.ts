/** A source with those who have registered themselves beside what it knows. */
import { joinInstances, joinMoved } from "../compile/joined-instances.ts";
import type { Log } from "../log.ts";
import type { Source } from "../source/source.ts";
import { readKept, writeKept } from "./kept.ts";
import { Registrations } from "./registrations.ts";

export interface Registry {
  readonly source: Source;
  readonly registrations: Registrations;
}

/** `file`: where they are kept; absent: nowhere. `onChange`: somebody came or went. */
export function openRegistry(
  source: Source,
  file: string | undefined,
  log: Log,
  onChange: () => void,
): Registry {
  let isOpen = false;
  const registrations = new Registrations({
    known: source.instances,
    onChange: () => {
      if (isOpen) onChange();
    },
    after: (ms, run) => {
      const timer = setTimeout(run, ms).unref();
      return () => clearTimeout(timer);
    },
  });
  if (file !== undefined) registrations.restore(readKept(file, log));
  isOpen = true;
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
  return { source: joined, registrations };
}
