/**
 * `node client.ts HOST PORT`: for each line with a number on standard input that many connections, one after the other, each with one
 * request; prints the median milliseconds of one, from connecting to the last byte.
 */
import net from "node:net";
import { createInterface } from "node:readline";

const [host = "", port = ""] = process.argv.slice(2);
const REQUEST = "GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n";
const OK = Buffer.from("HTTP/1.1 200", "latin1");

console.log("ready");
for await (const line of createInterface(process.stdin)) {
  const times: number[] = [];
  for (let i = 0; i < Number(line); i++) times.push(await once());
  console.log(times.sort((a, b) => a - b)[times.length >> 1]);
}

function once(): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const socket = net.connect({ host, port: Number(port), noDelay: true }, () => socket.write(REQUEST));
    let isAnswered = false;
    socket.on("data", (chunk: Buffer) => {
      isAnswered ||= chunk.subarray(0, 12).equals(OK);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      if (isAnswered) resolve(performance.now() - began);
      else reject(new Error("no 200"));
    });
  });
}
