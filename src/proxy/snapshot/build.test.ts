import { expect, it } from "vitest";
import type { Resource } from "../../discovery/messages.ts";
import { checkResource } from "./build.ts";

it.each(["cluster", "endpoints", "listener", "route", "policy", "host"] as const)(
  "refuses a resource of type %s that has another shape",
  (type) => {
    // A control plane of another version may send it.
    const resource = { name: "inbound", matches: {}, endpoints: 1 } as unknown as Resource;
    expect(checkResource(type, resource)).toMatchObject({ code: "invalid", resource: "inbound" });
  },
);
