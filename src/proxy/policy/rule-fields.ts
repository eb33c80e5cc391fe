/** The fields of a rule's parts, all of which must hold. */
import type { ConditionMatch, OperationMatch, SourceMatch } from "../../discovery/policy.ts";
import { type Compile, type Field, fieldsOf, type Stance } from "./field.ts";
import { headers } from "./header-field.ts";
import { hosts } from "./host-field.ts";
import {
  addresses,
  claims,
  methods,
  namespaces,
  paths,
  ports,
  principals,
  requestPrincipals,
} from "./value-fields.ts";

/** Throws a RangeError for a field that this sidecar does not know: to leave it out could let more through. */
export function checkNames(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw new RangeError(`${what} has a field that this sidecar does not know: ${name}`);
  }
}

const SOURCE = withNot("principals", "requestPrincipals", "namespaces", "ipBlocks");
const OPERATION = withNot("hosts", "ports", "methods", "paths");

function withNot(...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => [name, `not${name.charAt(0).toUpperCase()}${name.slice(1)}`]);
}

export function sourceFields(source: SourceMatch, stance: Stance): readonly Field[] {
  checkNames("a source", source, SOURCE);
  return [
    ...fieldsOf(source.principals, source.notPrincipals, principals, stance, false),
    ...fieldsOf(source.namespaces, source.notNamespaces, namespaces, stance, false),
    ...fieldsOf(source.ipBlocks, source.notIpBlocks, addresses, stance, false),
    ...fieldsOf(source.requestPrincipals, source.notRequestPrincipals, requestPrincipals, stance, true),
  ];
}

export function operationFields(operation: OperationMatch, stance: Stance): readonly Field[] {
  checkNames("an operation", operation, OPERATION);
  return [
    ...fieldsOf(operation.ports, operation.notPorts, ports, stance, false),
    ...fieldsOf(operation.hosts, operation.notHosts, hosts, stance, true),
    ...fieldsOf(operation.methods, operation.notMethods, methods, stance, true),
    ...fieldsOf(operation.paths, operation.notPaths, paths, stance, true),
  ];
}

/** Throws a RangeError for a key that is none. */
export function conditionFields(condition: ConditionMatch, stance: Stance): readonly Field[] {
  checkNames("a condition", condition, ["key", "values", "notValues"]);
  const { key, values, notValues } = condition;
  return fieldsOf(values, notValues, conditionOf(key), stance, key.startsWith("request."));
}

const HEADER = /^request\.headers\[([^\]]+)\]$/;
const CLAIM = /^request\.auth\.claims\[(.+)\]$/;

function conditionOf(key: string): Compile<string> {
  const header = HEADER.exec(key)?.[1];
  if (header !== undefined) return headers(header);
  const claim = CLAIM.exec(key)?.[1];
  if (claim !== undefined) return claims(claim.split("]["));
  switch (key) {
    case "source.ip":
      return addresses;
    case "source.principal":
      return principals;
    case "source.namespace":
      return namespaces;
    case "destination.port":
      return (values, isLoose) => ports(values.map(Number), isLoose);
    case "request.auth.principal":
      return requestPrincipals;
    case "request.auth.audiences":
      return claims(["aud"]);
    case "request.auth.presenter":
      return claims(["azp"]);
    default:
      throw new RangeError(`${key} is no condition that this sidecar knows`);
  }
}
