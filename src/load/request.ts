/**
 * The bytes of the one request that a run repeats, and where they go. They are built once: sending is one write of one
 * buffer. RFC 9112 §3.2.1 (origin form) and, through an explicit proxy, §3.2.2 (absolute form).
 */

/** What a run sends, and to whom. */
export interface LoadRequest {
  /** As given, for the report. */
  readonly url: string;
  readonly method: string;
  readonly proxy: string | undefined;
  /** Whom to connect to: the URL's authority, or the proxy. A name, or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Head and body. */
  readonly bytes: Buffer;
}

interface RequestOptions {
  readonly url: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  readonly host?: string;
  readonly proxy?: string;
}

export type BuiltRequest =
  | { readonly kind: "request"; readonly request: LoadRequest }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is there to refuse
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;
const AUTHORITY = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]+$/;
/** Framing is ours: one wrong value and every answer after it would be misread. */
const OWN_FIELDS = new Set(["content-length", "transfer-encoding", "upgrade"]);

/** Builds the request, or says everything that is wrong with it. */
export function buildRequest(options: RequestOptions, maxBodyBytes: number): BuiltRequest {
  const problems: string[] = [];
  const url = httpUrl("URL", options.url, problems);
  const proxy = options.proxy === undefined ? undefined : httpUrl("proxy", options.proxy, problems);
  const body = typeof options.body === "string" ? Buffer.from(options.body) : options.body;
  const method = options.method ?? (body === undefined ? "GET" : "POST");

  if (!TOKEN.test(method)) problems.push(`method "${method}" is no HTTP method`);
  if (method === "CONNECT") problems.push("CONNECT opens a tunnel, which is no request to repeat");
  if (body !== undefined && body.byteLength > maxBodyBytes) {
    problems.push(`the body has ${body.byteLength} bytes; at most ${maxBodyBytes} are allowed`);
  }
  if (options.proxy !== undefined && options.host !== undefined) {
    problems.push("through a proxy the URL names the host (RFC 9112, 3.2.2): leave out the host override");
  }
  if (options.host !== undefined && !AUTHORITY.test(options.host)) {
    problems.push(`host "${options.host}" is neither a name nor an address`);
  }
  const lines: string[] = [];
  const own = new Set<string>();
  for (const [name, value] of options.headers ?? []) {
    const key = name.toLowerCase();
    if (!TOKEN.test(name)) problems.push(`header name "${name}" is not allowed`);
    else if (OWN_FIELDS.has(key))
      problems.push(`header "${name}" cannot be set: the generator frames its requests itself`);
    else if (key === "host") problems.push("use the host option for the Host field");
    else if (BAD_VALUE.test(value)) problems.push(`header "${name}" has a character that is not allowed`);
    own.add(key);
    lines.push(`${name}: ${value.trim()}\r\n`);
  }
  if (url === undefined || problems.length > 0) return { kind: "invalid", problems };

  const path = `${url.pathname}${url.search}`;
  const target = proxy === undefined ? path : `http://${url.host}${path}`;
  let head = `${method} ${target} HTTP/1.1\r\nHost: ${options.host ?? url.host}\r\n`;
  if (!own.has("user-agent")) head += "User-Agent: weft-load\r\n";
  if (!own.has("accept")) head += "Accept: */*\r\n";
  head += lines.join("");
  const expectsBody = method === "POST" || method === "PUT" || method === "PATCH";
  if (body !== undefined || expectsBody) head += `Content-Length: ${body?.byteLength ?? 0}\r\n`;
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), body ?? Buffer.alloc(0)]);
  const peer = proxy ?? url;
  return {
    kind: "request",
    request: {
      url: options.url,
      method,
      proxy: options.proxy,
      hostname: peer.hostname.replace(/^\[|\]$/g, ""),
      port: peer.port === "" ? 80 : Number(peer.port),
      bytes,
    },
  };
}

function httpUrl(what: string, text: string, problems: string[]): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") {
    problems.push(`${what} "${text}" is no URL; write it as http://host:port/path`);
    return undefined;
  }
  if (url.protocol !== "http:") {
    problems.push(`${what} "${text}": only http:// is spoken`);
    return undefined;
  }
  if (url.username !== "" || url.password !== "") {
    problems.push(`${what}: credentials do not belong into it; use an authorization header`);
  }
  return url;
}
