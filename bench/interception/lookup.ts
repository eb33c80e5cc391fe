/** Cost of asking the kernel where a connection was going, in this pod: one line. Both families. */
import net from "node:net";
import { openOriginalDestination } from "../../src/proxy/net/original-destination.ts";

const TIMES = 20_000;

process.removeAllListeners("warning");
const ask = await openOriginalDestination();
const costs: string[] = [];
for (const host of ["127.0.0.1", "::1"]) costs.push(`${host}: ${(await cost(host)).toFixed(2)} µs`);
console.log(`the look-up alone, ${costs.join(", ")}`);
process.exit();

function cost(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      for (let i = 0; i < TIMES; i++) ask(socket);
      const began = performance.now();
      for (let i = 0; i < TIMES; i++) ask(socket);
      resolve(((performance.now() - began) * 1_000) / TIMES);
      socket.destroy();
      server.close();
    });
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as net.AddressInfo;
      net.connect({ host, port }).on("error", reject);
    });
  });
}
