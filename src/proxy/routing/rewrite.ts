/** Filters of a rule and of its backends, compiled into edits of heads and into redirects. */
import type {
  HeaderModifier,
  HeaderValue,
  PathRewrite,
  RouteAction,
  UrlRewrite,
} from "../../discovery/route.ts";
import { editedPath, type HeadEdit, type PathEdit } from "../http/edit.ts";
import type { Head } from "../http/head.ts";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOSTNAME = /^[-._~0-9A-Za-z]+$/;
const PATH = /^[\x21\x22\x24-\x3e\x40-\x7e]*$/;

/**
 * One edit for what a rule and a backend ask for; null when they ask for nothing. Throws a RangeError for what could end a line
 * of the head: whoever compiled the resource, no edit splits a message.
 */
export function compileEdit(
  modifiers: readonly (HeaderModifier | undefined)[],
  rewrite: UrlRewrite | undefined,
  matchedPrefix: string,
): HeadEdit | null {
  const remove: Buffer[] = [];
  let lines: HeaderValue[] = [];
  for (const modifier of modifiers) {
    const gone = [...(modifier?.remove ?? []), ...(modifier?.set ?? []).map((value) => value.name)].map(
      (name) => name.toLowerCase(),
    );
    // A later modifier also replaces what an earlier one has added.
    lines = lines.filter((line) => !gone.includes(line.name.toLowerCase()));
    lines.push(...(modifier?.set ?? []), ...(modifier?.add ?? []));
    for (const name of gone) remove.push(Buffer.from(checked(NAME, name), "latin1"));
  }
  for (const { name, value } of lines) {
    checked(NAME, name);
    checked(VALUE, value);
  }
  const host =
    rewrite?.hostname === undefined ? null : Buffer.from(checked(HOSTNAME, rewrite.hostname), "latin1");
  const path = rewrite?.path === undefined ? null : pathEdit(rewrite.path, matchedPrefix);
  if (remove.length === 0 && lines.length === 0 && host === null && path === null) return null;
  const add = Buffer.from(lines.map((line) => `${line.name}: ${line.value}\r\n`).join(""), "latin1");
  const growth = add.length + (host?.length ?? 0) + (path?.value.length ?? 0);
  return { remove, add, host, path, growth };
}

function checked(pattern: RegExp, text: string): string {
  if (!pattern.test(text)) throw new RangeError(`${JSON.stringify(text)} may not stand in a head`);
  return text;
}

function pathEdit(path: PathRewrite, matchedPrefix: string): PathEdit {
  const value = Buffer.from(checked(PATH, path.value), "latin1");
  if (path.kind === "replaceFullPath") return { prefixLength: -1, value };
  const prefix = matchedPrefix.endsWith("/") ? matchedPrefix.slice(0, -1) : matchedPrefix;
  return { prefixLength: prefix.length, value };
}

export interface Redirect {
  readonly statusCode: number;
  readonly responseEdit: HeadEdit | null;
  location(head: Head): string;
}

type RedirectAction = Extract<RouteAction, { kind: "redirect" }>;

/** Gateway API HTTPRequestRedirectFilter: what is not named is taken from the request; well-known ports are left out. */
export function compileRedirect(
  action: RedirectAction,
  listenerPort: number,
  matchedPrefix: string,
): Redirect {
  const path = action.path === undefined ? null : pathEdit(action.path, matchedPrefix);
  if (action.hostname !== undefined) checked(HOSTNAME, action.hostname);
  return {
    statusCode: action.statusCode,
    responseEdit: compileEdit([action.responseHeaders], undefined, matchedPrefix),
    location(head) {
      const scheme = action.scheme ?? "http";
      const authority = head.authority();
      const colon = authority.lastIndexOf(":");
      const hasPort = colon > authority.lastIndexOf("]");
      const host = action.hostname ?? (hasPort ? authority.slice(0, colon) : authority);
      const requestPort = hasPort ? Number(authority.slice(colon + 1)) : listenerPort;
      const port = action.port ?? (action.scheme === undefined ? requestPort : scheme === "https" ? 443 : 80);
      const isWellKnown = (scheme === "http" && port === 80) || (scheme === "https" && port === 443);
      const target = path === null ? head.path() : editedPath(path, head.path());
      return `${scheme}://${host}${isWellKnown ? "" : `:${port}`}${target === "*" ? "" : target}`;
    },
  };
}
