/** Weft's pair: two sidecars of one mesh, enrolled with a real control plane, with everything at its defaults. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROXY_CPU } from "../children.ts";
import { enrolHere, startPlane, startSidecar, tokenFor } from "../mesh.ts";
import { fill, freePort } from "../ports.ts";
import type { Pair } from "./pair.ts";

export const weftPair: Pair = {
  name: "weft",
  missing: () => undefined,
  start: async ({ dir, originPort }) => {
    const config = join(dir, "config");
    mkdirSync(config);
    const [webPort, inboundPort] = [await freePort(), await freePort()];
    fill(join("two-hop", "weft.yaml"), config, { UPSTREAM: originPort, WEB: webPort, SHOP: inboundPort });
    const plane = await startPlane(config, join(dir, "state"));
    const sidecar = async (name: string, port: number) => {
      const token = await tokenFor(plane, name, 1);
      const wish = { workload: name, serviceAccount: name, token, inboundPort: port, cpu: PROXY_CPU };
      return startSidecar(plane, wish);
    };
    const { child: inbound } = await sidecar("shop", inboundPort);
    const { child: outbound, outboundPort } = await sidecar("web", webPort);
    const clientFile = join(dir, "client.json");
    const client = await enrolHere(plane, "web", await tokenFor(plane, "web", 1));
    writeFileSync(clientFile, JSON.stringify(client), { mode: 0o600 });
    plane.api.close();
    return { outbound, inbound, port: outboundPort, inboundPort, clientFile };
  },
};
