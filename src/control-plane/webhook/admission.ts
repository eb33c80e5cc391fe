/**
 * AdmissionReview v1 in, AdmissionReview v1 out (admission.k8s.io/v1): what the webhook answers to a body, whatever it is. What
 * is not for injection to judge passes untouched: the API server says itself what is wrong with a pod.
 */
import { injectPod, problemText } from "../../inject/inject.ts";
import { jsonPatch } from "../../inject/patch.ts";
import type { InjectSettings } from "../../inject/settings.ts";
import { isRecord } from "../../inject/shape.ts";
import type { Problem } from "../../resources/problem.ts";

export interface Answer {
  readonly status: 200 | 400;
  readonly body: object;
}

/** What became of a review, for metrics and the log. */
export type Verdict = "injected" | "unchanged" | "skipped" | "refused" | "invalid";

const API_VERSION = "admission.k8s.io/v1";
/** kubectl shows a line of this length. */
const MAX_WARNING = 256;
const MAX_PROBLEMS = 10;

/** Answers one body. Throws nothing for any. */
export function review(
  body: string,
  settings: InjectSettings,
): { readonly answer: Answer; readonly verdict: Verdict; readonly reason: string } {
  const request = requestOf(body);
  if (typeof request === "string") {
    const answer = {
      status: 400 as const,
      body: { error: { code: "no_admission_review", message: request } },
    };
    return { answer, verdict: "invalid", reason: request };
  }
  const { uid } = request;
  const untouched = (warnings: readonly string[]) => answerWith(uid, { allowed: true, ...warn(warnings) });
  const foreign = whyForeign(request);
  if (foreign !== undefined) return { answer: untouched([foreign]), verdict: "skipped", reason: foreign };
  const { namespace } = request;
  const result = injectPod(request.object, settings, typeof namespace === "string" ? { namespace } : {});
  switch (result.kind) {
    case "injected": {
      const patch = Buffer.from(JSON.stringify(jsonPatch(result.patch))).toString("base64");
      const response = { allowed: true, patchType: "JSONPatch", patch, ...warn(result.warnings) };
      return { answer: answerWith(uid, response), verdict: "injected", reason: "" };
    }
    case "unchanged":
      return { answer: untouched(result.warnings), verdict: "unchanged", reason: "" };
    case "skipped": {
      const { reason, warnings } = result;
      // Whoever has said so need not be told.
      const said = reason.startsWith("weft.dev/inject") ? [] : [`no sidecar: ${reason}`];
      return { answer: untouched([...said, ...warnings]), verdict: "skipped", reason };
    }
    case "malformed": {
      const reason = textOf(result.problems);
      return { answer: untouched([`no sidecar: ${reason}`]), verdict: "skipped", reason };
    }
    case "refused": {
      const message = textOf(result.problems);
      const status = { code: 422, reason: "Invalid", message: `Weft: ${message}` };
      return { answer: answerWith(uid, { allowed: false, status }), verdict: "refused", reason: message };
    }
  }
}

interface Request {
  readonly uid: string;
  readonly kind?: unknown;
  readonly operation?: unknown;
  readonly namespace?: unknown;
  readonly object?: unknown;
}

/** A text where the body is no AdmissionReview with a request. */
function requestOf(body: string): Request | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "the body is not JSON";
  }
  if (!isRecord(value) || value["kind"] !== "AdmissionReview") return "the body is no AdmissionReview";
  if (value["apiVersion"] !== API_VERSION) return `the apiVersion must be ${API_VERSION}`;
  const { request } = value;
  if (!isRecord(request) || typeof request["uid"] !== "string")
    return "the AdmissionReview has no request with a uid";
  return request as unknown as Request;
}

/** Why a request is none for the creation of a pod; a webhook configuration that asks for it is wrong. */
function whyForeign({ kind, operation }: Request): string | undefined {
  const isPod = isRecord(kind) && kind["kind"] === "Pod" && kind["group"] === "" && kind["version"] === "v1";
  if (!isPod) return "Weft injects Pods; it was asked about something else";
  return operation === "CREATE" ? undefined : "Weft injects Pods when they are created";
}

function answerWith(uid: string, response: object): Answer {
  return {
    status: 200,
    body: { apiVersion: API_VERSION, kind: "AdmissionReview", response: { uid, ...response } },
  };
}

function warn(warnings: readonly string[]): { warnings?: readonly string[] } {
  if (warnings.length === 0) return {};
  return { warnings: warnings.map((text) => `Weft: ${text}`.slice(0, MAX_WARNING)) };
}

function textOf(problems: readonly Problem[]): string {
  const more = problems.length - MAX_PROBLEMS;
  const shown = problems.slice(0, MAX_PROBLEMS).map(problemText).join("; ");
  return more > 0 ? `${shown}; and ${more} more` : shown;
}
