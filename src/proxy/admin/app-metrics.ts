/**
 * The application's own metrics, below the sidecar's on the same page: Prometheus has no certificate to fetch them with. An
 * application that does not answer, or not with metrics, takes nothing from the sidecar's own.
 */
import { ON_LOOPBACK } from "./app-loopback.ts";
import type { Family } from "./exposition.ts";
import type { IncomingMessage } from "./node-http.ts";
import { http } from "./node-http.ts";

/** Longest text, in bytes. */
const MAX_BYTES = 16 * 1_048_576;
/** As injection writes it. */
const LOOPBACK = "127.0.0.1";
/** Prometheus itself waits for 10 s. */
const TIMEOUT_MS = 5_000;
const TYPE_LINE = /^# TYPE ([A-Za-z_:][\w:]*) /gm;

/** The text that the application answers with; undefined where there is none that can be shown. Never rejects. */
export async function fetchAppMetrics(url: string, timeoutMs = TIMEOUT_MS): Promise<string | undefined> {
  try {
    const body = await get(new URL(url), AbortSignal.timeout(timeoutMs));
    return body === "" || body.endsWith("\n") ? body : `${body}\n`;
  } catch {
    return undefined;
  }
}

/** The sidecar's families, without those that the application has, too: of two of a name Prometheus takes neither for sure. */
export function* besides(families: Iterable<Family>, application: string | undefined): Generator<Family> {
  const taken = new Set([...(application ?? "").matchAll(TYPE_LINE)].map(([, name]) => name));
  for (const family of families) if (!taken.has(family.name)) yield family;
  yield {
    name: "weft_app_metrics_up",
    help: "1 where the application answered with metrics.",
    type: "gauge",
    values: () => [{ value: application === undefined ? 0 : 1 }],
  };
}

function get(url: URL, signal: AbortSignal): Promise<string> {
  const { request } = url.protocol === "https:" ? process.getBuiltinModule("node:https") : http;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { accept: "text/plain;version=0.0.4", connection: "close" };
  const asked = request(url, {
    ...(url.hostname === LOOPBACK && { ...ON_LOOPBACK, hostname: ON_LOOPBACK.host }),
    ...{ signal, headers: { ...headers, host: url.host }, agent: false, rejectUnauthorized: false },
  });
  asked.once("error", reject);
  asked.once("response", (response: IncomingMessage) => {
    const type = response.headers["content-type"] ?? "text/plain";
    if (response.statusCode !== 200 || !type.startsWith("text/plain")) {
      response.destroy(new Error("no metrics"));
      reject(new Error("no metrics"));
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BYTES) response.destroy(new Error("too long"));
      else chunks.push(chunk);
    });
    response.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    response.once("error", reject);
  });
  asked.end();
  return promise;
}
