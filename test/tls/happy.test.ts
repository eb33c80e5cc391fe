import { afterEach, expect, it } from "vitest";
import { GET, get, HANDSHAKES, idOf, type Pair, startPair, until } from "./pair.ts";

let pair: Pair;
afterEach(() => pair.close());

it("both ends know each other; the application learns of the client by Envoy's field alone", async () => {
  pair = await startPair();
  const forged = GET.replace(
    "Connection",
    "X-Forwarded-Client-Cert: By=me;URI=spiffe://root\r\nx-weft-a: 1\r\nConnection",
  );
  expect(await get(pair.client.outboundPort, forged)).toMatch(/^HTTP\/1.1 200 /);
  const field = /x-forwarded-client-cert: (.*)\r\n/i.exec(pair.app.received);
  expect(field?.[1]).toMatch(new RegExp(`^By=${idOf("shop")};Hash=[0-9a-f]{64};URI=${idOf("client")}$`));
  expect(pair.app.received.match(/client-cert/gi)).toHaveLength(1);
  expect(pair.app.received).not.toContain("x-weft-a");
  const inbound = {
    reporter: "destination",
    source_principal: idOf("client"),
    source_workload_namespace: "default",
    connection_security_policy: "mutual_tls",
  };
  await until(() => pair.server.read("requests", inbound) === 1, "one request by a verified client");
  await until(
    () => pair.client.read("requests", { connection_security_policy: "unknown" }) === 1,
    "one at the source",
  );
  expect(pair.server.read(HANDSHAKES, { listener: "inbound", kind: "full" })).toBe(1);
  expect(pair.client.read(HANDSHAKES, { listener: "outbound", kind: "full" })).toBe(1);
});
