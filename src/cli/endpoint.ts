/** An address with a port, as it is written on a command line. */
import { isIP } from "node:net";

/** `10.0.0.7:15006`, `[fd00::7]:15006`; undefined: it is neither. */
export function parseEndpoint(text: string): { readonly address: string; readonly port: number } | undefined {
  const [, v6, v4, digits = ""] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const [address, port] = [v6 ?? v4 ?? "", Number(digits)];
  return isIP(address) === 0 || port < 1 || port > 65_535 ? undefined : { address, port };
}
