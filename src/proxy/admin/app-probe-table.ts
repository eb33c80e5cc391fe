/** The table of the kubelet's probes as the sidecar is given it, checked: it is read before anything else is loaded. */

/** By path. */
export type AppProbes = Readonly<Record<string, AppProbe>>;

/** One of the three is set, with the fields of Kubernetes. */
export interface AppProbe {
  readonly httpGet?: HttpGet;
  readonly tcpSocket?: object;
  readonly grpc?: { readonly service?: string };
  readonly port: number;
  readonly timeoutSeconds: number;
}

/** Null stands for a field that is not set. */
export interface HttpGet {
  readonly path?: string | null;
  readonly scheme?: string | null;
  readonly httpHeaders?: readonly { readonly name: string; readonly value?: string | null }[] | null;
}

/** A day; timers hold 24 of them. */
const MAX_TIMEOUT_SECONDS = 86_400;
const PATH = /^\/app-(?:health|lifecycle)\/[a-z0-9-]+\/[a-z]+$/;

/** The table, or what a good one is where this is none. */
export function readAppProbes(text: string): AppProbes | string {
  const expected = "a JSON object of probes by path, as weft inject writes it";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return expected;
  }
  if (!isRecord(value)) return expected;
  const isGood = Object.entries(value).every(([path, probe]) => PATH.test(path) && isProbe(probe));
  return isGood ? (value as unknown as AppProbes) : expected;
}

function isProbe(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { httpGet, tcpSocket, grpc, port, timeoutSeconds } = value;
  const kinds = [httpGet, tcpSocket, grpc].filter((kind) => kind !== undefined);
  const headers = isRecord(httpGet) ? (httpGet["httpHeaders"] ?? []) : [];
  return (
    kinds.length === 1 &&
    isRecord(kinds[0]) &&
    isWithin(port, 65_535) &&
    isWithin(timeoutSeconds, MAX_TIMEOUT_SECONDS) &&
    Array.isArray(headers) &&
    headers.every((header) => isRecord(header) && typeof header["name"] === "string")
  );
}

function isWithin(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= most;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
