/**
 * Checks that a pair does the work it is measured for: the whole answer, the headers, and between the halves TLS 1.3 with the cipher that
 * all share, where nobody gets an answer who shows no certificate or speaks plain HTTP.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ask } from "../check.ts";
import { SMALL } from "../origin.ts";
import { HOST } from "../peers/peer.ts";
import type { RunningPair } from "./pair.ts";

const CIPHER = "TLS_AES_128_GCM_SHA256";
const REQUEST = `GET /api/small HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`;
const LIMIT_MS = 5_000;

/** What is wrong with the pair; empty when all is as it should be. */
export async function checkPair({ port, inboundPort }: RunningPair): Promise<string[]> {
  const wrong: string[] = [];
  const expect = (what: string, holds: boolean, found: unknown): void => {
    if (!holds) wrong.push(`${what}: found ${String(found).slice(0, 120)}`);
  };
  try {
    const small = await ask(port, "/api/small");
    expect("GET small is whole", small.status === 200 && small.body.toString() === SMALL, small.status);
    const seen = (await ask(port, "/api/seen")).body.toString();
    const [id = "", trace = "", proto] = seen.split(" ");
    const isTraced = /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/.test(trace);
    expect("headers are added", id.length >= 16 && isTraced && proto === "http", seen);
    expect("a path without route is 404", (await ask(port, "/other")).status === 404, "another status");
    const plain = await answerOn(connectTcp(inboundPort, "127.0.0.1"));
    expect("plain HTTP between the halves gets nothing", !plain.includes(SMALL), plain);
    const noCertificate = connectTls({
      ...{ port: inboundPort, host: "127.0.0.1", servername: HOST, rejectUnauthorized: false },
      ...{ ALPNProtocols: ["weft/1", "h2", "http/1.1"], minVersion: "TLSv1.3" },
      // Envoy's suites of TLS 1.3 cannot be set; it goes by the client's order, and its own begins so.
      ciphers: `${CIPHER}:TLS_AES_256_GCM_SHA384`,
    });
    let cipher = "";
    noCertificate.once("secureConnect", () => {
      cipher = noCertificate.getCipher().name;
    });
    const stranger = await answerOn(noCertificate);
    expect("nobody is served without a certificate", !stranger.includes(SMALL), stranger);
    expect("the cipher", cipher === CIPHER, cipher);
  } catch (error) {
    wrong.push(`a request failed: ${String(error)}`);
  }
  return wrong;
}

/** Sends the request and resolves with what comes until the connection ends. */
function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.setTimeout(LIMIT_MS, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(text));
    socket.write(REQUEST);
    setTimeout(() => socket.end(), 500);
  });
}
