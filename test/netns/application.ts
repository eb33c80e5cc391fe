/**
 * A pod's application: `node application.ts '{"http":[8080],"echo":[9000],"banner":[5432]}'`. HTTP answers with who called and what the request
 * was; echo sends back what comes; banner speaks first and then echoes. It says `ready` when all ports are open.
 */
import http from "node:http";
import net from "node:net";

interface Ports {
  readonly http?: readonly number[];
  readonly echo?: readonly number[];
  readonly banner?: readonly number[];
}

const ports = JSON.parse(process.argv[2] ?? "{}") as Ports;
const host = process.argv[3] ?? "::";

const servers: readonly (readonly [net.Server, number])[] = [
  ...(ports.http ?? []).map((port) => [http.createServer(answer), port] as const),
  ...(ports.echo ?? []).map((port) => [net.createServer((socket) => echo(socket, "")), port] as const),
  ...(ports.banner ?? []).map(
    (port) => [net.createServer((socket) => echo(socket, "220 hello\n")), port] as const,
  ),
];
for (const [server, port] of servers) {
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
}
console.log("ready");

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { remoteAddress = "", localPort } = request.socket;
  const body = {
    from: remoteAddress.replace("::ffff:", ""),
    port: localPort,
    headers: request.headers,
    url: request.url,
  };
  response.end(JSON.stringify(body));
}

function echo(socket: net.Socket, greeting: string): void {
  const { remoteAddress = "" } = socket;
  socket.on("error", () => {});
  if (greeting !== "") socket.write(`${greeting}from ${remoteAddress.replace("::ffff:", "")}\n`);
  socket.pipe(socket);
}
