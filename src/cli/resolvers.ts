/** Addresses of DNS resolvers as they are written on a command line. */
import { isIP } from "node:net";
import type { Resolver } from "../proxy/dns/resolvers.ts";

const DNS_PORT = 53;
const AT = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/;

/** `10.96.0.10,fd00::a,127.0.0.1:5353,[::1]:5353`; undefined: it is no such list. */
export function parseResolvers(text: string): readonly Resolver[] | undefined {
  const found = text.split(",").map((item) => {
    const [, v6, v4, port = String(DNS_PORT)] = AT.exec(item.trim()) ?? [];
    return { address: v6 ?? v4 ?? item.trim(), port: Number(port) };
  });
  const isGood = found.every(({ address, port }) => isIP(address) !== 0 && port >= 1 && port <= 65_535);
  return isGood ? found : undefined;
}
