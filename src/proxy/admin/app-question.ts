/**
 * One question of the kubelet to the application, as the kubelet asks it (kubernetes pkg/probe): any status under 400 is good, a
 * redirect within the host is followed, certificates are not looked at, a connection is enough for TCP, gRPC must be SERVING.
 */
import type { OutgoingHttpHeaders } from "node:http";
import net from "node:net";
import { grpcProbe } from "../health/grpc-probe.ts";
import type { Outcome, Probe, Target } from "../health/probe.ts";
import { failed, type Open } from "../health/reach.ts";
import { tcpProbe } from "../health/tcp-probe.ts";
import { ON_LOOPBACK } from "./app-loopback.ts";
import type { HttpGet } from "./app-probe-table.ts";
import type { IncomingMessage } from "./node-http.ts";
import { http } from "./node-http.ts";
import { type Answer, text } from "./server.ts";

const LOOPBACK = "127.0.0.1";
/** As the kubelet's. */
const MAX_REDIRECTS = 10;
/** Of the application's answer, for people who ask why a probe fails. */
const MAX_SHOWN_BYTES = 1_024;
/** A longer body is not read to its end. */
const MAX_BODY_BYTES = 65_536;

export interface Question {
  readonly port: number;
  readonly timeoutMs: number;
  /** Headers of the kubelet's own request: it is the pod's address that applications see as Host. */
  readonly asker: Readonly<Record<string, string | string[] | undefined>>;
}

/** The application's status, with the beginning of its body; 503 where it gives none. */
export async function askHttp(get: HttpGet, question: Question): Promise<Answer> {
  const { port, asker } = question;
  const host = /^(\[[^\]]+\]|[^:]+)/.exec(String(asker["host"] ?? ""))?.[0] ?? LOOPBACK;
  const scheme = get.scheme?.toLowerCase() === "https" ? "https" : "http";
  let url = URL.parse(`${scheme}://${host}:${port}${absolute(get.path)}`);
  const until = AbortSignal.timeout(question.timeoutMs);
  try {
    for (let redirects = 0; url !== null && redirects <= MAX_REDIRECTS; redirects++) {
      const { status, location, body } = await getOnce(url, headersOf(get, asker, url.host), until);
      const next: URL | null = location === undefined ? null : URL.parse(location, url);
      if (next === null || next.hostname !== url.hostname) return text(status, body);
      url = next;
    }
    return text(503, "too many redirects");
  } catch (error) {
    return text(503, until.aborted ? "no answer in time" : failed(error as NodeJS.ErrnoException).reason);
  }
}

export function askTcp(port: number, timeoutMs: number): Promise<Answer> {
  return run(tcpProbe(onLoopback(port)), timeoutMs);
}

export function askGrpc(service: string, port: number, timeoutMs: number): Promise<Answer> {
  return run(grpcProbe(onLoopback(port), service, `${LOOPBACK}:${port}`), timeoutMs);
}

interface Got {
  readonly status: number;
  /** Of a redirect. */
  readonly location: string | undefined;
  readonly body: string;
}

function getOnce(url: URL, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<Got> {
  const { request } = url.protocol === "https:" ? process.getBuiltinModule("node:https") : http;
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  const asked = request(
    {
      ...{ ...ON_LOOPBACK, port: url.port || (url.protocol === "https:" ? 443 : 80), signal, headers },
      ...{ path: url.pathname + url.search, agent: false, rejectUnauthorized: false, servername: "" },
    },
    (response: IncomingMessage) => {
      const { statusCode: status = 503 } = response;
      const location = status >= 300 && status < 400 ? response.headers.location : undefined;
      const chunks: Buffer[] = [];
      let length = 0;
      const end = () => {
        const body = Buffer.concat(chunks).subarray(0, MAX_SHOWN_BYTES).toString("utf8");
        resolve({ status, location, body });
      };
      response.on("data", (chunk: Buffer) => {
        if (length < MAX_SHOWN_BYTES) chunks.push(chunk);
        length += chunk.length;
        if (length <= MAX_BODY_BYTES) return;
        end();
        response.destroy();
      });
      response.once("end", end);
      response.once("error", reject);
    },
  );
  asked.once("error", reject);
  asked.end();
  return promise;
}

/** The probe's own headers win; without them the application sees the kubelet's, and the address that it would see. */
function headersOf({ httpHeaders }: HttpGet, asker: Question["asker"], host: string): OutgoingHttpHeaders {
  const agent = asker["user-agent"];
  const own = new Map<string, string[]>();
  for (const { name, value } of httpHeaders ?? []) {
    const key = name.toLowerCase();
    own.set(key, [...(own.get(key) ?? []), value ?? ""]);
  }
  return {
    ...{ host, "user-agent": typeof agent === "string" ? agent : "kube-probe" },
    ...{ accept: "*/*", connection: "close" },
    ...Object.fromEntries(own),
    // Of several the first, as the kubelet's client has it.
    ...(own.has("host") && { host: own.get("host")?.[0] }),
  };
}

function absolute(given: string | null | undefined): string {
  const path = given ?? "/";
  return path.startsWith("/") ? path : `/${path}`;
}

function onLoopback(port: number): Open {
  return (_target, done) => {
    const socket = net.connect({ ...ON_LOOPBACK, port });
    socket.on("error", (error: NodeJS.ErrnoException) => done(failed(error)));
    socket.once("connect", () => done({ kind: "open", stream: socket }));
    return () => socket.destroy();
  };
}

const NOBODY: Target = {
  endpoint: {
    ...{ address: LOOPBACK, port: 0, weight: 1, workload: "", namespace: "", serviceAccount: "" },
    ...{ app: "", version: "" },
  },
  session: null,
};

function run(probe: Probe, timeoutMs: number): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(resolve, timeoutMs, { kind: "fail", reason: "no answer in time" });
  const stop = probe(NOBODY, resolve);
  return promise
    .then((outcome) => (outcome.kind === "pass" ? text(200, "ok") : text(503, outcome.reason)))
    .finally(() => {
      clearTimeout(timer);
      stop();
    });
}
