/**
 * How long the caller says it will wait: gRPC's `grpc-timeout`, or what Envoy tells the next (`x-envoy-expected-rq-timeout-ms`). It
 * shortens what the rule allows and never lengthens it.
 */
import { EXPECTED_TIMEOUT, GRPC_TIMEOUT } from "../http/fields.ts";
import type { Head } from "../http/head.ts";

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, `TimeoutUnit`. */
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
const GRPC_FORM = /^(\d{1,8})([HMSmun])$/;
const MS_FORM = /^\d{1,9}$/;

/** Milliseconds from now, at least 1; 0: it says nothing, or nothing that can be read. */
export function incomingTimeoutMs(head: Head): number {
  let ms = 0;
  if (head.has(GRPC_TIMEOUT)) {
    const found = GRPC_FORM.exec(head.value(head.find(GRPC_TIMEOUT)));
    if (found !== null) ms = Math.max(1, Number(found[1]) * (UNIT_MS[found[2]!] ?? 0));
  }
  if (head.has(EXPECTED_TIMEOUT)) {
    const text = head.value(head.find(EXPECTED_TIMEOUT));
    if (MS_FORM.test(text) && Number(text) > 0) ms = ms === 0 ? Number(text) : Math.min(ms, Number(text));
  }
  return ms;
}
