/** Clients that say nothing at first, at a port of which the server may be the one to speak. */
import { once } from "node:events";
import net from "node:net";
import { Duplex } from "node:stream";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startAcceptor, type TestAcceptor } from "./in-process.ts";
import { secretFor, until } from "./pair.ts";
import { NO_HOST_NAME, RIGHT } from "./stranger.ts";

const SILENCE_MS = 100;

let server: TestAcceptor;
let socket: net.Socket;
beforeEach(async () => {
  server = await startAcceptor(secretFor("shop"), true, SILENCE_MS);
  socket = net.connect({ port: server.port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  await until(() => server.acceptor.size === 1, "the connection accepted");
});
afterEach(() => {
  socket.destroy();
  server.close();
});

it("one that stays silent waits for the server to speak", async () => {
  server.advance(SILENCE_MS - 10);
  await new Promise(setImmediate);
  expect(server.clients).toEqual([]);
  server.advance(10);
  await until(() => server.clients.length === 1, "the connection taken");
  expect(server.clients).toEqual([null]);
});

it("one whose ClientHello lies in the socket while the loop stalls was not silent", async () => {
  let isFirst = true;
  const carrier = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      // Where the wheel's own timer fires, too: after what has just been sent, before any of it can be read.
      setTimeout(() => {
        socket.write(chunk);
        if (isFirst) server.advance(SILENCE_MS);
        isFirst = false;
        done();
      });
    },
  });
  socket.on("data", (chunk) => carrier.push(chunk));
  const client = connect({ ...RIGHT, ...NO_HOST_NAME, socket: carrier });
  await once(client, "secureConnect");
  await until(() => server.clients.length === 1, "the connection taken");
  expect(server.clients[0]?.id).toMatch(/^spiffe:/);
  client.destroy();
});
