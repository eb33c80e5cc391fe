/** What an intercepting sidecar does with connections to its application before it has heard anything of that one's ports. */
import { once } from "node:events";
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

/** An application that speaks first. */
async function application(): Promise<number> {
  const server = net.createServer((socket) => socket.end("welcome")).listen(0, "127.0.0.1");
  closers.push(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What a client hears that says nothing, and how the connection ends. */
async function listen(port: number): Promise<{ readonly heard: string; readonly code: string }> {
  const socket = net.connect(port, "127.0.0.1");
  let heard = "";
  let code = "";
  socket.on("data", (chunk) => {
    heard += String(chunk);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code ?? "";
  });
  await new Promise((resolve) => socket.once("close", resolve));
  return { heard, code };
}

it("they are reset, so that a client which waits for the server to speak tries again, and is served then", async () => {
  const app = await application();
  const { inbound, port, close } = await intercepting(app);
  closers.push(close);
  expect(await listen(port)).toEqual({ heard: "", code: "ECONNRESET" });
  const service = { name: "db", namespace: "default" };
  inbound.configure({
    ...INBOUND,
    ports: [{ service, servicePort: app, appPort: app, protocol: "tcp" }],
  });
  inbound.admission.setPolicy(OPEN, Judge.of(OPEN));
  expect(await listen(port)).toEqual({ heard: "welcome", code: "" });
});
