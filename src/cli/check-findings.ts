/** What is wrong with a mesh, or soon will be, from what its control plane tells: files, sidecars, certificates. */

import type { SidecarStatus } from "../discovery/sidecar-status.ts";
import { expiryNotice } from "../identity/expiry.ts";
import type { CertificatesAnswer, RotationAnswer, StatusAnswer } from "../local/api-types.ts";
import { formatIssue } from "../resources/issue.ts";
import { count } from "./output.ts";

/** `problem`: something does not work; `warning`: it will not, or may not be meant. */
export interface Finding {
  readonly severity: "ok" | "warning" | "problem";
  readonly about: "files" | "sidecars" | "certificates";
  readonly text: string;
  /** What to do. */
  readonly remedy?: string;
}

export interface MeshAnswers {
  readonly status: StatusAnswer;
  readonly sidecars: readonly SidecarStatus[];
  /** Undefined where the control plane has no CA. */
  readonly certificates?: CertificatesAnswer;
  readonly rotation?: RotationAnswer;
}

/** Most of one sort that are told one by one. */
const MAX_EACH = 10;
/** A certificate that has not been renewed by then is late by half of its life. */
const LATE_MS = 3_600_000;

/** `now`: milliseconds since 1970. */
export function findings(answers: MeshAnswers, now: number): readonly Finding[] {
  const { status, sidecars, certificates, rotation } = answers;
  return [
    ...ofFiles(status),
    ...ofSidecars(sidecars),
    ...(certificates === undefined ? [NO_CA] : ofCertificates(certificates, now)),
    ...(rotation === undefined || rotation.phase === "steady" ? [] : [ofRotation(rotation)]),
  ];
}

const NO_CA: Finding = {
  severity: "warning",
  about: "certificates",
  text: "the control plane has no CA: sidecars speak plaintext and prove nothing",
  remedy: "start it without --insecure",
};

function ofFiles({ source }: StatusAnswer): readonly Finding[] {
  const about = "files";
  const errors = source.issues.filter(({ severity }) => severity === "error");
  const warnings = source.issues.filter(({ severity }) => severity === "warning");
  const found: Finding[] = [
    ...errors.slice(0, MAX_EACH).map((issue) => ({
      ...{ severity: "problem" as const, about, text: formatIssue(issue) },
      remedy: "the last good state is served until the file is mended; weft validate tells all",
    })),
    ...warnings.slice(0, MAX_EACH).map((issue) => ({
      ...{ severity: "warning" as const, about, text: formatIssue(issue) },
    })),
  ] as Finding[];
  const more = source.issues.length - found.length;
  if (more > 0) found.push({ severity: "warning", about, text: `and ${more} more; weft validate tells all` });
  if (source.state === "broken" && errors.length === 0)
    found.push({
      severity: "problem",
      about,
      text: "the files can't be read; the last good state is served",
    });
  return found.length === 0 ? [{ severity: "ok", about, text: "the files hold no errors" }] : found;
}

function ofSidecars(sidecars: readonly SidecarStatus[]): readonly Finding[] {
  const about = "sidecars";
  const here = sidecars.filter(({ state }) => state !== "disconnected");
  const found: Finding[] = sidecars.flatMap((sidecar): Finding[] => {
    const { id, state, nacks } = sidecar;
    if (state === "disconnected") {
      const text = `${id} has been disconnected since ${sidecar.disconnectedSince ?? "a while"}`;
      return [{ severity: "warning", about, text, remedy: "it serves on with what it had; look at its log" }];
    }
    if (state === "stale")
      return [{ severity: "warning", about, text: `${id} has not applied the latest yet` }];
    return nacks.map(({ resource, field, message }) => ({
      ...{ severity: "problem", about, remedy: "it keeps the version before; mend the resource" },
      text: `${id} refuses ${resource}${field === undefined ? "" : ` (${field})`}: ${message}`,
    }));
  });
  const versions = [...new Set(here.map(({ version }) => version))];
  if (versions.length > 1) {
    const text = `sidecars run ${versions.length} versions of Weft: ${versions.toSorted().join(", ")}`;
    found.push({ severity: "warning", about, text });
  }
  if (here.length === 0) found.push({ severity: "warning", about, text: "no sidecar is connected" });
  const text = `${count(here.length, "sidecar")} connected, all have applied the latest`;
  return found.length === 0 ? [{ severity: "ok", about, text }] : found;
}

function ofCertificates({ ca, roots, items }: CertificatesAnswer, now: number): readonly Finding[] {
  const about = "certificates";
  const remedy = ca.kind === "embedded" ? "weft cert rotate-root" : "put the CA's new files into --ca-dir";
  const ends = [
    ...roots.map(({ fingerprint, notAfter }) => ({ what: `root ${fingerprint.slice(0, 16)}`, notAfter })),
    { what: "the certificate that signs", notAfter: ca.notAfter },
  ];
  const found: Finding[] = ends.flatMap(({ what, notAfter }): Finding[] => {
    const notice = expiryNotice(Date.parse(notAfter), now);
    if (notice.kind === "fine") return [];
    if (notice.kind === "expired")
      return [{ severity: "problem", about, text: `${what} has expired: ${notAfter}`, remedy }];
    const days = notice.daysLeft < 1 ? "today" : `in ${count(notice.daysLeft, "day")}`;
    const text = `${what} expires ${days}: ${notAfter} (warned of at ${notice.within} d)`;
    return [{ severity: "warning", about, text, remedy }];
  });
  for (const { identity, notAfter } of items) {
    const left = Date.parse(notAfter) - now;
    if (left <= 0 || left > LATE_MS) continue;
    const text = `${identity} has not renewed its certificate, which ends ${notAfter}`;
    found.push({ severity: "warning", about, text, remedy: "/certs of its sidecar's admin port says why" });
  }
  const text = `the CA (${ca.kind}) and ${count(roots.length, "root")} are good for 30 days at least`;
  return found.length === 0 ? [{ severity: "ok", about, text }] : found;
}

function ofRotation({ phase, lacking }: RotationAnswer): Finding {
  const waits = lacking.length === 0 ? "" : `; it waits for ${lacking.slice(0, MAX_EACH).join(", ")}`;
  return {
    severity: "warning",
    about: "certificates",
    text: `the root is being changed (${phase})${waits}`,
    remedy: "weft cert rotate-root shows it going on",
  };
}
