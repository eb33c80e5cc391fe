import { STATUS_CODES } from "node:http";
import { expect, it } from "vitest";
import { CAUSES } from "../request/cause.ts";
import { reasonPhrase } from "./status.ts";

const REDIRECTS = [301, 302, 303, 307, 308];

it.each([...new Set([...CAUSES.map((cause) => cause.status), ...REDIRECTS])].filter((status) => status > 0))(
  "%d has the phrase of RFC 9110",
  (status) => {
    expect(reasonPhrase(status)).toBe(STATUS_CODES[status]);
  },
);
