/** The end of a control plane: a pod whose review is under way, over a connection that the API server keeps, still gets its sidecar. */
import { once } from "node:events";
import { Agent } from "node:https";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { admissionReview, call, HOST, startPlane } from "./plane.ts";

const POD = { metadata: { name: "web" }, spec: { containers: [{ name: "web" }] } };

it("a review that has begun is answered, connections without one go", { timeout: 20_000 }, async () => {
  const plane = await startPlane();
  const ca = plane.roots();
  const idle = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    expect((await call(plane.webhookPort, admissionReview(POD), { ca, agent: idle })).status).toBe(200);
    const body = admissionReview(POD);
    const socket = connect({ host: "127.0.0.1", port: plane.webhookPort, ca, servername: HOST });
    await once(socket, "secureConnect");
    const head = `POST /inject HTTP/1.1\r\nhost: ${HOST}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    socket.write(`${head}expect: 100-continue\r\n\r\n`);
    const [go] = (await once(socket, "data")) as [Buffer];
    expect(go.toString()).toMatch(/^HTTP\/1\.1 100/);
    const started = performance.now();
    const closed = plane.close();
    socket.write(body);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*"patchType":"JSONPatch"/);
    await closed;
    expect(performance.now() - started).toBeLessThan(1_900);
    await expect(call(plane.webhookPort, body, { ca })).rejects.toThrow("ECONNREFUSED");
  } finally {
    idle.destroy();
  }
});

it("who sends nothing more does not keep it", { timeout: 20_000 }, async () => {
  const plane = await startPlane();
  const socket = connect({ host: "127.0.0.1", port: plane.webhookPort, ca: plane.roots(), servername: HOST });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(`POST /inject HTTP/1.1\r\nhost: ${HOST}\r\nexpect: 100-continue\r\n`);
  socket.write("content-type: application/json\r\ncontent-length: 10\r\n\r\n");
  await once(socket, "data");
  await plane.close();
  expect(socket.destroyed || (await once(socket, "close"))).toBeTruthy();
});
