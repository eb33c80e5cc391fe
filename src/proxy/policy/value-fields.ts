/** Fields by what they compare: who sends, from where, what is asked for. */

import { formOf, type TextForm, TextSet } from "../http/text-set.ts";
import { BlockSet } from "./address.ts";
import { claimValues, requestPrincipal } from "./claims.ts";
import { type Compile, type Field, type Key, keysOf } from "./field.ts";
import { pathKeys } from "./path-keys.ts";
import { looseReading } from "./path-reading.ts";
import { PathSet } from "./path-set.ts";
import type { RequestView } from "./view.ts";

export const principals: Compile<string> = (values) =>
  textField("principal", ({ principal }) => principal, values.map(withoutScheme));

export const namespaces: Compile<string> = (values) =>
  textField("namespace", ({ namespace }) => namespace, values);

export const requestPrincipals: Compile<string> = (values) =>
  textField("subject", ({ claims }) => requestPrincipal(claims), values);

function withoutScheme(principal: string): string {
  return principal.replace(/^spiffe:\/\//, "");
}

function textField(
  dimension: string,
  read: (view: RequestView) => string | null,
  values: readonly string[],
): Field {
  const forms = values.map(formOf);
  const set = new TextSet(forms);
  const test = (view: RequestView) => {
    const text = read(view);
    return text !== null && set.has(text);
  };
  return { test, ...keysOf(dimension, forms) };
}

export const addresses: Compile<string> = (values) => {
  const set = new BlockSet(values);
  const keys = values.map((text): Key[] => [{ dimension: "address", form: { form: "block", text } }]);
  return { test: ({ address }) => set.has(address), keys };
};

export const ports: Compile<number> = (values) => {
  const set = new Set(values);
  const forms = values.map((port): TextForm => ({ form: "exact", text: String(port) }));
  return { test: ({ port }) => set.has(port), ...keysOf("port", forms) };
};

/** Methods have a case (RFC 9110 §9.1), and there are applications that don't know. */
export const methods: Compile<string> = (values, isLoose) => {
  const forms = values.map((value) => formOf(isLoose ? value.toUpperCase() : value));
  const set = new TextSet(forms);
  const test = ({ http }: RequestView) =>
    http !== null && set.has(isLoose ? http.method.toUpperCase() : http.method);
  return { test, ...keysOf(isLoose ? "loose method" : "method", forms) };
};

export const paths: Compile<string> = (values, isLoose) => {
  const set = new PathSet(values, isLoose);
  const test = ({ http }: RequestView) =>
    http !== null && set.has(isLoose ? looseReading(http.path) : http.path);
  const keys = values.map((value) => pathKeys(value, isLoose));
  return keys.some((choices) => choices.length === 0) ? { test } : { test, keys };
};

/** Any text of the claim at `path`. */
export function claims(path: readonly string[]): Compile<string> {
  return (values) => {
    const forms = values.map(formOf);
    const set = new TextSet(forms);
    const test = (view: RequestView) => claimValues(view.claims, path).some((value) => set.has(value));
    return { test, ...keysOf(`claim ${JSON.stringify(path)}`, forms) };
  };
}
