/**
 * The admission webhook's port: TLS with the control plane's own certificate, which the API server verifies by the mesh's roots
 * (`caBundle`) and a DNS name. Bodies, heads, time and connections are bounded; no request ends the process.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { InjectSettings } from "../../inject/settings.ts";
import { review, type Verdict } from "./admission.ts";

/** The API server takes objects of up to 3 MiB; a review holds one, or two. */
export const MAX_BODY_BYTES = 7 * 1_048_576;
/** Most bytes of a refused body that are read, so that the sender gets to read why. */
const MAX_DISCARDED_BYTES = 32 * 1_048_576;
const MAX_CONNECTIONS = 512;
const HEAD_TIMEOUT_MS = 10_000;
/** The API server itself waits 10 s, or 30 s at most. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A review takes milliseconds once it is there. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Key and certificates as PEM. */
interface ServerSecret {
  readonly key: string;
  readonly chain: string;
}

export interface WebhookOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
  readonly settings: InjectSettings;
  /** The certificate to begin with; `onChange` gets those that replace it. Undefined while there is none. */
  readonly secret: (onChange: (secret: ServerSecret) => void) => ServerSecret | undefined;
  readonly onReview: (verdict: Verdict, reason: string, seconds: number) => void;
  readonly onError: (error: unknown) => void;
}

export interface Webhook {
  readonly port: number;
  /** Reviews that have begun are answered: each is a pod that somebody waits for. */
  close(): Promise<void>;
}

/** Listens; rejects with the system's error where it can't, or where there is no certificate. */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  let server: Server | undefined;
  const secret = options.secret((next) => server?.setSecureContext(contextOf(next)));
  if (secret === undefined) throw new Error("the CA's own certificate is not valid now");
  server = createServer(
    {
      ...contextOf(secret),
      handshakeTimeout: HEAD_TIMEOUT_MS,
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => void answer(options, request, response, () => server?.listening === true),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const listening = server;
  await new Promise<void>((resolve, reject) => {
    listening.once("error", reject);
    listening.listen(options.port, options.host, resolve);
  });
  return {
    port: (listening.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => listening.closeAllConnections(), CLOSE_TIMEOUT_MS);
        listening.close(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function contextOf({ key, chain }: ServerSecret) {
  return { key, cert: chain, minVersion: "TLSv1.2" as const };
}

async function answer(
  options: WebhookOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isOpen: () => boolean,
): Promise<void> {
  try {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path !== "/inject") return refuse(request, response, 404, "nothing is here but /inject");
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      return refuse(request, response, 405, "/inject takes POST");
    }
    const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
    if (type !== "application/json") {
      return refuse(request, response, 415, "the content type must be application/json");
    }
    const body = await readBody(request);
    if (body === undefined) {
      return refuse(request, response, 413, `a body may have at most ${MAX_BODY_BYTES} bytes`);
    }
    const started = performance.now();
    const { answer: reply, verdict, reason } = review(body.toString("utf8"), options.settings);
    if (!isOpen()) response.setHeader("connection", "close");
    send(response, reply.status, reply.body);
    options.onReview(verdict, reason, (performance.now() - started) / 1_000);
  } catch (error) {
    // A client that has gone away is its own business.
    if (request.destroyed && !request.complete) return;
    options.onError(error);
    if (response.headersSent) response.destroy();
    else refuse(request, response, 500, "internal error");
  }
}

/** Undefined where it is too long. Rejects where it breaks off. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return Promise.resolve(undefined);
  const chunks: Buffer[] = [];
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    else {
      chunks.length = 0;
      resolve(undefined);
    }
  });
  request.once("end", () => resolve(Buffer.concat(chunks)));
  request.once("error", reject);
  request.once("close", () => reject(new Error("the body was cut short")));
  return promise;
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  let discarded = 0;
  request.on("data", (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > MAX_DISCARDED_BYTES) request.destroy();
  });
  response.setHeader("connection", "close");
  send(response, status, { error: { message } });
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
