/** `node ask.ts ADDRESS PORT`: asks port 53 there by UDP, from that port of its own, and prints who answers from which address, or `nobody` after 2 s. */
import dgram from "node:dgram";

const [address = "", port = ""] = process.argv.slice(2);
const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
const timer = setTimeout(() => end("nobody"), 2_000);
socket.on("message", (answer, from) => end(`${answer.toString("latin1")} from ${from.address}:${from.port}`));
socket.on("error", (error) => end(error.message));
socket.bind(Number(port), () => socket.send("question", 53, address));

function end(text: string): void {
  clearTimeout(timer);
  console.log(text);
  socket.close();
}
