/** HAProxy: the quickest of the classic proxies; `-db` keeps it in the foreground. */
import { binaryPeer } from "./binary.ts";

export const haproxyCommand = (program: string, config: string): string[] => [program, "-db", "-f", config];

export const haproxy = binaryPeer("haproxy", "haproxy.cfg", haproxyCommand);
