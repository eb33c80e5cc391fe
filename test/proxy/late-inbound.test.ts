/** A client outside of the mesh that takes its time, at a port of the application that does not say what it speaks. */
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Judge } from "../../src/proxy/policy/judge.ts";
import { intercepting } from "../harness/intercepted-inbound.ts";
import { OPEN } from "../harness/policy.ts";
import { INBOUND } from "../harness/subscriber.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

it.each(["DISABLE", "PERMISSIVE"] as const)("speaks HTTP all the same: %s", async (mtls) => {
  const application = http.createServer(({ url, headers }, response) =>
    response.end(`${url} ${"x-request-id" in headers ? "read" : "unread"};`),
  );
  let connections = 0;
  application.on("connection", () => connections++);
  application.listen(0, "127.0.0.1");
  closers.push(() => application.close().closeAllConnections());
  await once(application, "listening");
  const { port: app } = application.address() as AddressInfo;
  const { inbound, port, close } = await intercepting(app);
  closers.push(close);
  const service = { name: "web", namespace: "default" };
  const ports = [{ service, servicePort: 80, appPort: app, protocol: "http1", detects: true, mtls } as const];
  inbound.configure({ ...INBOUND, mtls, ports });
  inbound.admission.setPolicy(OPEN, Judge.of(OPEN));
  const socket = net.connect(port, "127.0.0.1");
  closers.push(() => socket.destroy());
  let heard = "";
  socket.on("data", (chunk) => {
    heard += String(chunk);
  });
  // The application might have been the one to speak.
  await expect.poll(() => connections).toBe(1);
  for (const path of ["/one", "/two"]) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: web\r\n\r\n`);
    await expect.poll(() => heard).toContain(`${path} read;`);
  }
  socket.destroy();
  await expect.poll(() => inbound.connections.busy).toBe(0);
  const cluster = inbound.clusters.get("inbound web.default:80 to 127.0.0.1");
  expect([cluster?.active, cluster?.endpoints[0]?.active]).toEqual([0, 0]);
});
