/**
 * HTTP: a GET whose answer has an expected status. Also `OPTIONS *`, HTTP's own ping (RFC 9110 §9.3.7), which stands for a
 * connection where a sidecar is before the application: it takes connections whether the application does or not.
 */
import type { IncomingMessage } from "node:http";
import { answerText, sidecarError } from "./http-answer.ts";
import { http } from "./node-modules.ts";
import type { Outcome, Probe } from "./probe.ts";
import { failed, type Open } from "./reach.ts";

/** A longer body is not waited for. */
const MAX_BODY_BYTES = 65_536;

export interface HttpQuestion {
  readonly method: "GET" | "OPTIONS";
  readonly path: string;
  readonly host: string;
  readonly judge: (response: IncomingMessage) => Outcome;
}

/** Passes by status; `expected` are ranges of them. */
export function byStatus(expected: readonly (readonly [from: number, to: number])[]): HttpQuestion["judge"] {
  return (response) => {
    const status = response.statusCode ?? 0;
    const isExpected = expected.some(([from, to]) => from <= status && status <= to);
    return isExpected ? { kind: "pass" } : { kind: "fail", reason: answerText(response) };
  };
}

/** Any answer passes that the application has given itself. */
export function byApplication(response: IncomingMessage): Outcome {
  return sidecarError(response) === undefined
    ? { kind: "pass" }
    : { kind: "fail", reason: answerText(response) };
}

/** Asks on a connection that `open` opens. The whole answer must come, within reason: one that breaks off has failed. */
export function httpProbe(open: Open, { method, path, host, judge }: HttpQuestion): Probe {
  return (target, done) =>
    open(target, (opened) => {
      if (opened.kind !== "open") {
        done(opened);
        return;
      }
      const headers = { host, "user-agent": "weft-health-check", accept: "*/*", connection: "close" };
      const request = http().request({ method, path, headers, createConnection: () => opened.stream });
      request.on("error", (error) => done(failed(error)));
      request.on("upgrade", (response) => done(judge(response)));
      request.on("response", (response) => {
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAX_BODY_BYTES) done(judge(response));
        });
        response.on("end", () => done(judge(response)));
        response.on("error", (error) => done(failed(error)));
      });
      request.end();
    });
}
