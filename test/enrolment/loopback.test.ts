/** Tokens and changes of the root are asked for on the control plane's own machine, wherever its API listens. */
import { networkInterfaces } from "node:os";
import { expect, it } from "vitest";
import { apiClient } from "../../src/local/api-client.ts";
import { startPlane } from "./plane.ts";

/** An address of this machine that is not loopback: a connection to it comes from it. */
const address = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

it.skipIf(address === undefined)("elsewhere they are refused, and nothing else is", async () => {
  const plane = await startPlane(undefined, "0.0.0.0");
  const api = apiClient(`http://${address}:${new URL(plane.api.base).port}`);
  const wish = { namespace: "default", serviceAccount: "web" };
  await expect(api.call("POST", "/v1/tokens", wish)).rejects.toMatchObject({
    status: 403,
    code: "not_loopback",
  });
  await expect(api.call("POST", "/v1/root/rotate")).rejects.toMatchObject({ status: 403 });
  await expect(api.call("DELETE", "/v1/root/rotate")).rejects.toMatchObject({ status: 403 });
  expect(await api.call("GET", "/v1/root/rotate")).toMatchObject({ phase: "steady" });
  expect(await plane.token("web")).toMatch(/^weft1\./);
  api.close();
  await plane.close();
});
