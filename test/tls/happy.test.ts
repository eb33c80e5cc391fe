import { afterEach, expect, it } from "vitest";
import { contextOf } from "../identity/pki.ts";
import { GET, get, HANDSHAKES, idOf, leafFor, type Pair, startPair, until } from "./pair.ts";
import { strangeClient } from "./stranger.ts";

let pair: Pair;
afterEach(() => pair.close());

it("both ends know each other; the application learns of the client by Envoy's field alone", async () => {
  pair = await startPair();
  const forged = GET.replace(
    "Connection",
    "Connection: X-Forwarded-Client-Cert, x-weft-a\r\nX-Forwarded-Client-Cert: By=me;URI=spiffe://root\r\nx-weft-a: 1\r\nConnection",
  );
  expect(await get(pair.client.outboundPort, forged)).toMatch(/^HTTP\/1.1 200 /);
  const field = /x-forwarded-client-cert: (.*)\r\n/i.exec(pair.app.received);
  expect(field?.[1]).toMatch(new RegExp(`^By=${idOf("shop")};Hash=[0-9a-f]{64};URI=${idOf("client")}$`));
  expect(pair.app.received.match(/client-cert/gi)).toHaveLength(1);
  expect(pair.app.received).not.toContain("x-weft-a:");
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

it.each(["X-Forwarded-Client-Cert", "x-forwarded-client-cert", "X_Forwarded_Client_Cert"])(
  "a proven neighbour that forges %s changes nothing",
  async (name) => {
    pair = await startPair();
    const forged = GET.replace("Connection", `${name}: By=x;Hash=0;URI=${idOf("admin")}\r\nConnection`);
    const { received } = await strangeClient(pair.server.inboundPort, forged, contextOf(leafFor("web")));
    expect(received).toMatch(/^HTTP\/1.1 200 /);
    expect(pair.app.received.match(/client.cert/gi)).toHaveLength(1);
    expect(pair.app.received).toContain(`;URI=${idOf("web")}\r\n`);
  },
);
