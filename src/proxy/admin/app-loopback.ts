/**
 * The application, on loopback: on 127.0.0.1, or on ::1 where it listens on IPv6 alone, as it may in a cluster that has nothing else.
 */
import type net from "node:net";

type Lookup = NonNullable<net.TcpNetConnectOpts["lookup"]>;

const ADDRESSES = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/** Of connections and requests: the first address that takes one is used; an error is that of the first. */
export const ON_LOOPBACK = {
  host: "localhost",
  autoSelectFamily: true,
  lookup: ((_host, _options, done) => done(null, ADDRESSES)) as Lookup,
} as const;
