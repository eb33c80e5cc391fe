/** The shape of demands and leases, checked where they enter the other plane. */
import { type DemandReport, type LeaseGrant, MAX_DEMANDS, MAX_KEY_LENGTH } from "./rate-limit.ts";

const MAX_ID_LENGTH = 512;
const MAX_NUMBER = 1e12;
/** Traffic loops of a sidecar. */
const MAX_PARTS = 256;

export function isDemandReport(value: unknown): value is DemandReport {
  return (
    isRecord(value) &&
    isPart(value["part"]) &&
    isList(value["demands"], isDemand) &&
    isList(value["dropped"], isId)
  );
}

export function isLeaseGrant(value: unknown): value is LeaseGrant {
  return isRecord(value) && isPart(value["part"]) && isList(value["leases"], isLease);
}

function isDemand(value: unknown): boolean {
  return (
    isRecord(value) &&
    isId(value["limit"]) &&
    isKey(value["key"]) &&
    isAmount(value["demand"]) &&
    isAmount(value["level"]) &&
    isAmount(value["returned"]) &&
    isAmount(value["flow"]) &&
    typeof value["isLent"] === "boolean"
  );
}

function isLease(value: unknown): boolean {
  return (
    isRecord(value) &&
    isId(value["limit"]) &&
    isKey(value["key"]) &&
    isAmount(value["flow"]) &&
    isAmount(value["cap"]) &&
    isAmount(value["grant"]) &&
    (value["isOver"] === undefined || value["isOver"] === true)
  );
}

function isPart(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < MAX_PARTS;
}

function isId(value: unknown): boolean {
  return typeof value === "string" && value.length <= MAX_ID_LENGTH;
}

function isKey(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && value.length <= MAX_KEY_LENGTH);
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= MAX_NUMBER;
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= MAX_DEMANDS && value.every(isItem);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
