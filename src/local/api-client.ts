/**
 * Client of the control plane's HTTP API, over `node:http`: it loads in an eighth of the global fetch's time, and in a
 * twentieth of the undici package's (docs/decisions/0006-http-client.md), and an agent of our own ignores whatever proxy the shell is set up for.
 */
import { Agent, request } from "node:http";
import type { Issue } from "../resources/issue.ts";

/** Nobody answers, or not with HTTP. `code` is the system's, e.g. ECONNREFUSED. */
export class ApiUnreachableError extends Error {
  readonly base: string;
  readonly code: string;

  constructor(base: string, cause: NodeJS.ErrnoException) {
    super(`the control plane at ${base} does not answer: ${cause.message}`, { cause });
    this.name = "ApiUnreachableError";
    this.base = base;
    this.code = cause.code ?? "";
  }
}

/** The API answered with an error. */
export class ApiError extends Error {
  readonly status: number;
  /** `error.code` of the answer, e.g. `invalid`, `not_found`. */
  readonly code: string;
  readonly issues: readonly Issue[];

  constructor(status: number, code: string, message: string, issues: readonly Issue[]) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.issues = issues;
  }
}

export interface ApiClient {
  /** Base URL, without a slash at the end. */
  readonly base: string;
  /** Resolves with the JSON of a 2xx answer; rejects with ApiUnreachableError or ApiError. */
  readonly call: <T>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown) => Promise<T>;
  readonly close: () => void;
}

/** A client of the API at `base`. `timeoutMs` bounds each call, 15 s by default. */
export function apiClient(base: string, timeoutMs = 15_000): ApiClient {
  const root = base.replace(/\/+$/, "");
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  return {
    base: root,
    call: async <T>(method: string, path: string, body?: unknown) => {
      const { status, text } = await exchange(root, method, path, body, agent, timeoutMs);
      return read(status, text) as T;
    },
    close: () => agent.destroy(),
  };
}

function exchange(
  base: string,
  method: string,
  path: string,
  body: unknown,
  agent: Agent,
  timeoutMs: number,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = payload && { "content-type": "application/json", "content-length": payload.length };
    const fail = (error: NodeJS.ErrnoException) => reject(new ApiUnreachableError(base, error));
    const outgoing = request(`${base}${path}`, {
      method,
      agent,
      headers: { accept: "application/json", ...headers },
    });
    outgoing.on("error", fail);
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("error", fail);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    const deadline = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)),
      timeoutMs,
    );
    outgoing.on("close", () => clearTimeout(deadline));
    outgoing.end(payload);
  });
}

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string };
  readonly issues?: readonly Issue[];
}

function read(status: number, text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(status, "not_json", `the answer (${status}) is no JSON: is this Weft's API?`, []);
  }
  if (status >= 200 && status < 300) return body;
  const { error, issues } = body as ErrorBody;
  throw new ApiError(status, error?.code ?? "unknown", error?.message ?? `status ${status}`, issues ?? []);
}
