/** gRPC's own health protocol (grpc.health.v1) over HTTP/2: `SERVING` passes. One connection for each question. */
import type { IncomingHttpHeaders } from "node:http2";
import { statusText } from "../../discovery/grpc-status.ts";
import { CHECK_METHOD, decodeStatus, encodeCheck } from "./grpc-health.ts";
import { http2 } from "./node-modules.ts";
import type { Outcome, Probe } from "./probe.ts";
import { failed, type Open } from "./reach.ts";

/** An answer is ten bytes or so. */
const MAX_ANSWER_BYTES = 65_536;

/** `authority`: of the request. */
export function grpcProbe(open: Open, service: string, authority: string): Probe {
  return (target, done) => {
    let destroy = () => {};
    const close = open(target, (opened) => {
      if (opened.kind !== "open") {
        done(opened);
        return;
      }
      const session = http2().connect(`http://${authority}`, { createConnection: () => opened.stream });
      destroy = () => session.destroy();
      session.on("error", (error) => done(failed(error)));
      session.on("close", () => done({ kind: "fail", reason: "connection closed" }));
      const stream = session.request({
        ":method": "POST",
        ":path": CHECK_METHOD,
        "content-type": "application/grpc",
        te: "trailers",
        "user-agent": "weft-health-check",
      });
      const chunks: Buffer[] = [];
      let length = 0;
      let head: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      stream.on("error", (error) => done(failed(error)));
      stream.on("response", (headers) => {
        head = headers;
      });
      stream.on("trailers", (headers) => {
        trailers = headers;
      });
      stream.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) done({ kind: "fail", reason: "an answer that is too long" });
        else chunks.push(chunk);
      });
      stream.on("end", () => done(judge(head, Buffer.concat(chunks), trailers)));
      stream.end(encodeCheck(service));
    });
    return () => {
      destroy();
      close();
    };
  };
}

/** What the whole of an answer comes to. An answer without a body has its status among the headers (gRPC: Trailers-Only). */
function judge(head: IncomingHttpHeaders, body: Buffer, trailers: IncomingHttpHeaders): Outcome {
  if (Number(head[":status"]) !== 200) return { kind: "fail", reason: `HTTP ${head[":status"]}` };
  const last = head["grpc-status"] === undefined ? trailers : head;
  if (last["grpc-status"] !== "0") return { kind: "fail", reason: statusText(last) };
  const status = decodeStatus(body);
  if (status === "SERVING") return { kind: "pass" };
  return { kind: "fail", reason: status ?? "an answer that is no HealthCheckResponse" };
}
