/**
 * What the control plane logs: what changed its state or a sidecar's, once, with the reason. Who writes it, and in which
 * form, is the command's.
 */
import { type DiscoveryObserver, NO_OBSERVER } from "../discovery/observer.ts";
import { formatIssue } from "../resources/issue.ts";
import type { SourceStatus } from "./source/source.ts";

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** The part of pino's logger that is used. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

/** Most issues of broken files that are logged one by one. */
const MAX_ISSUES = 10;

/** Logs what happens on the streams. */
export function streamLog(log: Log): DiscoveryObserver {
  return {
    ...NO_OBSERVER,
    connected: (sidecar) => log.info({ sidecar }, "sidecar connected"),
    disconnected: (sidecar, reason) => log.info({ sidecar, reason }, "sidecar disconnected"),
    answered: (sidecar, _type, _taken, refused) => {
      for (const { resource, version, field, message } of refused) {
        log.warn({ sidecar, resource, version, field, reason: message }, "sidecar refused a resource");
      }
    },
    settled: ({ change, state, concerned, elapsedMs }) =>
      log.debug({ change, state, concerned, elapsedMs }, "change settled"),
  };
}

/** Logs when the files, or the cluster's resources, break, break in another way, and are good again. */
export function sourceLog(log: Log): (status: SourceStatus) => void {
  let known = "";
  return ({ state, issues, resources, files }) => {
    const errors = issues.filter(({ severity }) => severity === "error").map(formatIssue);
    const now = errors.join("\n");
    if (now === known) return;
    known = now;
    const what = files === undefined ? "resources" : "files";
    if (state === "ok") {
      log.info(files === undefined ? { resources } : { files, resources }, `${what} are good again`);
      return;
    }
    for (const issue of errors.slice(0, MAX_ISSUES)) log.error({ issue }, `${what} are broken`);
    const more = errors.length - MAX_ISSUES;
    log.error(more > 0 ? { more } : {}, "the last good state is served until they are mended");
  };
}
