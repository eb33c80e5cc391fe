import { once } from "node:events";
import net from "node:net";
import { expect, it } from "vitest";
import { TcpConnection } from "./tcp-connection.ts";
import { NO_SINK } from "./transport.ts";

it("tells when it has drained, also of less than a high-water mark", async () => {
  const { promise: drained, resolve } = Promise.withResolvers<void>();
  const { promise: accepted, resolve: accept } = Promise.withResolvers<TcpConnection>();
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const connection = new TcpConnection({ ...NO_SINK, onDrain: resolve });
    connection.accept(socket, server);
    accept(connection);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  client.pause();
  const connection = await accepted;
  const part = Buffer.alloc(10_000);
  while (connection.write(part)) await new Promise(setImmediate);
  expect(connection.queuedBytes).toBeLessThanOrEqual(part.length);
  client.resume();
  await drained;
  expect(connection.queuedBytes).toBe(0);
  client.destroy();
  connection.close();
  server.close();
});
