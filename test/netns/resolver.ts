/**
 * `node resolver.ts PORT NAME HOST…`: answers whatever it is asked, by UDP and TCP, with its name. Says `ready` when it listens. A wildcard
 * would not do for HOST where questions are redirected: an answer by UDP must come from the address that was asked.
 */
import dgram from "node:dgram";
import net from "node:net";

const [port = "", name = "", ...hosts] = process.argv.slice(2);
for (const host of hosts) {
  const udp = dgram.createSocket(net.isIP(host) === 6 ? "udp6" : "udp4");
  udp.on("message", (_question, { address, port: to }) => udp.send(name, to, address));
  await new Promise<void>((resolve) => udp.bind(Number(port), host, resolve));
  const tcp = net.createServer((socket) => socket.end(name));
  await new Promise<void>((resolve) => tcp.listen(Number(port), host, resolve));
}
console.log("ready");
