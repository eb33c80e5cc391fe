/** HAProxy: the quickest of the classic proxies; `-db` keeps it in the foreground. */
import { binaryPeer, programOnPath } from "./binary.ts";

export const HAPROXY = programOnPath("haproxy", (program, config) => [program, "-db", "-f", config]);

export const haproxy = binaryPeer(HAPROXY, "haproxy.cfg");
