/** All peers, Weft first: the ratios are to it. */
import { envoy } from "./envoy.ts";
import { haproxy } from "./haproxy.ts";
import { httpProxy } from "./http-proxy.ts";
import { nginx } from "./nginx.ts";
import type { Peer } from "./peer.ts";
import { undici } from "./undici.ts";
import { weft } from "./weft.ts";

export const PEERS: readonly Peer[] = [weft, nginx, haproxy, envoy, httpProxy, undici];
