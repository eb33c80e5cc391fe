/** Questions about names with `weft init --redirect-dns`: the application's go to the sidecar, the sidecar's own to the resolver. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { requires } from "../harness/requires.ts";
import { call, SIDECAR_UID } from "./mesh.ts";
import { beside, Network, type Pod, WEFT } from "./network.ts";

const DNS_PORT = 15_053;
/** The same for all: what the kernel remembers of one question must not be taken for another. */
const CLIENT_PORT = "40000";

requires(
  "root",
  "ip",
  "nft",
  "iptables",
  "setpriv",
)("DNS", () => {
  let network: Network;
  let pod: Pod;
  let resolver: Pod;
  let other: Pod;

  beforeEach(async () => {
    network = new Network();
    [pod, resolver, other] = [network.pod(1), network.pod(2), network.pod(3)];
    await Promise.all([
      resolver.start(beside("resolver.ts"), ["53", "resolver", resolver.ipv4, resolver.ipv6]),
      other.start(beside("resolver.ts"), ["53", "other", other.ipv4]),
      pod.start(beside("resolver.ts"), [String(DNS_PORT), "sidecar", "127.0.0.1", "::1"], {
        uid: SIDECAR_UID,
      }),
    ]);
  });
  afterEach(() => network.close());

  function ask(address: string, uid = 0): string {
    const as = uid === 0 ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    return pod.run([...as, process.execPath, beside("ask.ts"), address, CLIENT_PORT]).stdout.trim();
  }

  it.each(["nft", "iptables"])("goes to the sidecar, and nobody else's does (%s)", (backend) => {
    const servers = ["--redirect-dns", "--dns-servers", `${resolver.ipv4},${resolver.ipv6}`];
    const init = pod.run([process.execPath, WEFT, "init", "--backend", backend, ...servers]);
    expect(init.stderr).not.toContain("error");
    for (const address of [resolver.ipv4, resolver.ipv6]) {
      expect(ask(address)).toBe(`sidecar from ${address}:53`);
      expect(ask(address, SIDECAR_UID)).toBe(`resolver from ${address}:53`);
      expect(call(pod, address, 53).received).toBe("sidecar");
      expect(call(pod, address, 53, {}, SIDECAR_UID).received).toBe("resolver");
    }
    expect(ask(other.ipv4)).toBe(`other from ${other.ipv4}:53`);
  });
});
