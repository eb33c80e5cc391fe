/**
 * A client that does nothing but shake hands, for `two-hop.ts`: `node bench/two-hop/tls-client.ts PORT full|resumed SECONDS FILE`,
 * where FILE holds what a TLS context needs. Each connection is ended at once, and counts when the server has ended it
 * too: it has verified the client by then. Prints the number of handshakes.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:tls";

const AT_ONCE = 16;
const [port = "", kind = "full", seconds = "1", file = ""] = process.argv.slice(2);
const own = JSON.parse(readFileSync(file, "utf8"));
const end = performance.now() + Number(seconds) * 1_000;
const noHostName = { rejectUnauthorized: false, checkServerIdentity: () => undefined };

/** Resolves with a ticket of the session, where the handshake was a full one. */
function shakeHands(session: Buffer | undefined): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const resumed = session === undefined ? {} : { session };
    const socket = connect({ ...own, ...noHostName, ...resumed, port: Number(port), host: "127.0.0.1" });
    let ticket: Buffer | undefined;
    socket.once("session", (each) => {
      ticket = each;
    });
    socket.once("secureConnect", () => {
      if (session !== undefined && !socket.isSessionReused()) reject(new Error("a full handshake"));
      socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(ticket));
    socket.resume();
  });
}

const first = await shakeHands(undefined);
if (first === undefined) throw new Error("no ticket");
const session = kind === "resumed" ? first : undefined;
let done = 0;
async function client(): Promise<void> {
  while (performance.now() < end) {
    await shakeHands(session);
    done++;
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, client));
process.stdout.write(`${done}\n`);
