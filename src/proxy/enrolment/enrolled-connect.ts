/**
 * The discovery stream of a sidecar that proves who it is: no stream before there is a certificate, and what the control
 * plane says of trust goes to the keeper instead of the traffic configuration.
 */
import type { OpenTransport, Transport } from "../../discovery/client.ts";
import type { DiscoveryError, DiscoveryResponse, SecretResource } from "../../discovery/messages.ts";
import { MESH_SECRET } from "../../discovery/messages.ts";
import { parseBundle } from "../../identity/trust-bundle.ts";
import type { Connect } from "../snapshot/configuration.ts";
import type { CertificateKeeper } from "./keeper.ts";

/** `open`, as soon as there is a certificate; `warn` gets each reason for which a stream ended, once in a row. */
export function enrolledTransport(
  keeper: CertificateKeeper,
  open: OpenTransport,
  warn: (message: string) => void,
): OpenTransport {
  let lastReason = "";
  return (handlers) => {
    let inner: Transport | undefined;
    let isClosed = false;
    const opened = {
      ...handlers,
      onMessage: (message: Parameters<typeof handlers.onMessage>[0]) => {
        lastReason = "";
        handlers.onMessage(message);
      },
      onClosed: (reason: string) => {
        if (!isClosed && reason !== lastReason) warn(`the stream to the control plane ended: ${reason}`);
        lastReason = reason;
        keeper.planeNotTrusted();
        handlers.onClosed(reason);
      },
    };
    void keeper.enrolled.then(() => {
      if (!isClosed) inner = open(opened);
    });
    return {
      send: (message) => inner?.send(message),
      close: () => {
        isClosed = true;
        if (inner === undefined) handlers.onClosed("closed");
        else inner.close();
      },
    };
  };
}

/** `connect`, with the mesh's secret going to the keeper. */
export function enrolledConnect(keeper: CertificateKeeper, connect: Connect): Connect {
  return (hooks) => {
    let held = { version: "", digest: "" };
    const take = async ({ resources }: DiscoveryResponse): Promise<readonly DiscoveryError[]> => {
      for (const secret of resources) {
        const resource = secret.resource as SecretResource;
        const parsed = parseBundle(String(resource.bundle));
        if (secret.name !== MESH_SECRET || parsed.kind === "invalid") {
          const message = parsed.kind === "invalid" ? `no trust bundle: ${parsed.fault}` : "unknown secret";
          return [{ code: "invalid", message, resource: secret.name, field: "bundle" }];
        }
        await keeper.follow(parsed.bundle, String(resource.root));
        held = { version: secret.version, digest: parsed.bundle.digest };
      }
      return [];
    };
    const link = connect({
      ...hooks,
      versions: (type) => {
        if (type !== "secret") return hooks.versions(type);
        // Other roots may have been taken from the file since.
        return held.digest === keeper.bundle.digest ? { [MESH_SECRET]: held.version } : {};
      },
      receive: (response) => (response.type === "secret" ? take(response) : hooks.receive(response)),
    });
    link.subscribe("secret", [MESH_SECRET]);
    return link;
  };
}
