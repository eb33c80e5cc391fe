/**
 * Requests to the Kubernetes API server. `@kubernetes/client-node` says where it is and who we are (KUBECONFIG, exec plugins, the
 * pod's own token, which rotates); requests are `node:https`'s, because its watch buffers lines without bound and drops
 * those that it can't parse without a word.
 */
import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";

/** Longest wait for the head of an answer, and for the whole of one that is no stream. */
const HEAD_TIMEOUT_MS = 30_000;
const BODY_TIMEOUT_MS = 120_000;

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Longest body of the answer, in bytes. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** An answer with another status than 2xx. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An answer that is longer than was asked for. */
export class TooLargeError extends Error {}

export interface KubernetesApi {
  /** The answer, parsed; rejects with `ApiError`, `TooLargeError` or the system's error. */
  send(request: ApiRequest): Promise<unknown>;
  /** Gives the chunks of an answer to `take` until it ends; resolves at its end, rejects when it breaks. */
  stream(request: ApiRequest, opened: () => void, take: (chunk: Buffer) => void): Promise<void>;
}

/** Sends as `api` does; who waits for more than `ms` is told so, by an error. */
export function sendWithin(api: KubernetesApi, ms: number): KubernetesApi["send"] {
  return (request) => api.send({ ...request, signal: AbortSignal.timeout(ms) });
}

/** An error's message is an API Status of which nobody needs more than this. */
const MAX_ERROR_BYTES = 65_536;
const MAX_BODY_BYTES = 64 * 1_048_576;

/** What the library takes where nothing tells of a cluster; it does not speak with it either. */
const NOWHERE = "http://localhost:8080";

/** The API server of KUBECONFIG, or that of the cluster in which this runs. Throws where neither can be read. */
export async function openApi(): Promise<KubernetesApi> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  if (cluster === null || (cluster.server === NOWHERE && cluster.skipTLSVerify !== true))
    throw new Error("no cluster: set KUBECONFIG, or run inside of one");
  return apiOf(cluster.server, config);
}

/** The API server at `server`, with the identity that `config` gives. */
export function apiOf(server: string, config: Pick<KubeConfig, "applyToHTTPSOptions">): KubernetesApi {
  const base = server.replace(/\/+$/, "");
  return {
    send: async (request) => {
      const signal = limited(request.signal, BODY_TIMEOUT_MS);
      const response = await open(base, config, { ...request, signal });
      return JSON.parse(await bounded(response, request.maxBytes ?? MAX_BODY_BYTES)) as unknown;
    },
    stream: async (request, opened, take) => {
      const response = await open(base, config, request);
      opened();
      for await (const chunk of response) take(chunk as Buffer);
    },
  };
}

async function open(
  base: string,
  config: Pick<KubeConfig, "applyToHTTPSOptions">,
  { method = "GET", path, body, contentType = "application/json", signal }: ApiRequest,
): Promise<http.IncomingMessage> {
  const url = new URL(base + path);
  const options: https.RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  signal?.throwIfAborted();
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = {
    ...(options.headers as http.OutgoingHttpHeaders | undefined),
    accept: "application/json",
    ...(payload === undefined ? {} : { "content-type": contentType, "content-length": payload.length }),
  };
  const request = url.protocol === "https:" ? https.request : http.request;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const asked = request(url, { ...options, method, headers, ...(signal && { signal }) }, resolve);
    asked.setTimeout(HEAD_TIMEOUT_MS, () => asked.destroy(new Error("no answer in time")));
    asked.once("response", () => asked.setTimeout(0));
    asked.once("socket", (socket) => socket.setKeepAlive(true, HEAD_TIMEOUT_MS));
    asked.once("error", reject);
    asked.end(payload);
  });
  const { statusCode: status = 0 } = response;
  if (status >= 200 && status < 300) return response;
  throw new ApiError(status, `status ${status}: ${await reasonOf(response)}`);
}

function limited(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

async function reasonOf(response: http.IncomingMessage): Promise<string> {
  try {
    const status: unknown = JSON.parse(await bounded(response, MAX_ERROR_BYTES));
    const message = (status as { message?: unknown } | null)?.message;
    return typeof message === "string" ? message.slice(0, 300) : "without a reason";
  } catch {
    return "without a reason";
  }
}

async function bounded(response: http.IncomingMessage, maxBytes: number): Promise<string> {
  let length = 0;
  response.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) response.destroy(new TooLargeError(`the answer is longer than ${maxBytes} bytes`));
  });
  return await text(response);
}
