/**
 * One call from inside a pod: `node call.ts '{"host":"198.19.0.1","port":80,"send":"…"}'`. Prints a JSON line with what came back and
 * how it ended, bounded by 5 s. `until`: it ends the connection when this has come.
 */
import net from "node:net";

interface Call {
  readonly host: string;
  readonly port: number;
  readonly send?: string;
  readonly until?: string;
  /** Milliseconds before it sends. */
  readonly after?: number;
}

const { host, port, send = "", until, after = 0 } = JSON.parse(process.argv[2] ?? "{}") as Call;
const started = performance.now();
let received = "";
let firstMs = -1;
let error = "";
const socket = net.connect({ host, port, allowHalfOpen: true }, () => {
  setTimeout(() => {
    if (send !== "") socket.write(send);
    if (until === undefined) socket.end();
  }, after);
});
socket.setTimeout(5_000, () => socket.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
socket.on("data", (chunk) => {
  if (firstMs < 0) firstMs = performance.now() - started;
  received += chunk.toString("latin1");
  if (until !== undefined && received.includes(until)) socket.destroy();
});
socket.on("end", () => socket.end());
socket.on("error", (cause: NodeJS.ErrnoException) => {
  error = cause.code ?? cause.message;
});
socket.on("close", () => console.log(JSON.stringify({ received, error, firstMs: Math.round(firstMs) })));
