/** The sidecar's certificate as people and alerts see it: until when, under which root, and how its renewals go. Never a key. */
import type { CertificateKeeper } from "../enrolment/keeper.ts";
import type { Family } from "./exposition.ts";
import type { Answer } from "./server.ts";
import { json, text } from "./server.ts";

export function* certificateFamilies(keeper: CertificateKeeper): Generator<Family> {
  const { svid, bundle, counts } = keeper;
  yield {
    name: "weft_certificate_expiry_seconds",
    help: "End of the sidecar's certificate and of the trusted roots, Unix time; absent before the first certificate.",
    type: "gauge",
    values: () => [
      ...(svid === undefined ? [] : [{ value: svid.notAfter / 1_000, labels: { kind: "workload" } }]),
      ...bundle.roots.map(({ fingerprint, certificate }) => ({
        value: certificate.notAfter / 1_000,
        labels: { kind: "root", fingerprint },
      })),
    ],
  };
  yield {
    name: "weft_certificate_renewals_total",
    help: "Attempts to get a certificate, the first among them.",
    type: "counter",
    values: () => [
      { value: counts.success, labels: { result: "success" } },
      { value: counts.failure, labels: { result: "failure" } },
    ],
  };
}

/** The page `/certs`. */
export function describeCertificates(keeper: CertificateKeeper | undefined): Answer {
  if (keeper === undefined) return text(404, "this sidecar has no identity: it runs without a CA");
  const { svid, bundle, counts, lastFailure, trustDomain } = keeper;
  const certificate = svid && {
    identity: svid.id,
    serial: svid.serial,
    notBefore: time(svid.notBefore),
    notAfter: time(svid.notAfter),
    root: svid.root,
  };
  const roots = bundle.roots.map((root) => ({
    fingerprint: root.fingerprint,
    notAfter: time(root.certificate.notAfter),
  }));
  return json(200, { trustDomain, certificate: certificate ?? null, roots, renewals: counts, lastFailure });
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
