/** A Service's program: answers with its name and what came. `node server.ts NAME`; it listens where its environment says. */
import { createServer } from "node:http";

const { PORT, HOST } = process.env;
createServer((request, response) => {
  const body = { name: process.argv[2], pid: process.pid, headers: request.headers, url: request.url };
  response.end(JSON.stringify(body));
}).listen(Number(PORT), HOST, () => console.log("listening"));
