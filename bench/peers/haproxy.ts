/** HAProxy: the quickest of the classic proxies; `-db` keeps it in the foreground. */
import { binaryPeer } from "./binary.ts";

export const haproxy = binaryPeer("haproxy", "haproxy.cfg", (program, config) => [
  program,
  "-db",
  "-f",
  config,
]);
