/** The stream without a network, for a sidecar that compiles its configuration itself (`weft sidecar --config`). */
import type { OpenTransport } from "./client.ts";
import type { DiscoveryServer } from "./server.ts";

/** Messages arrive a turn later, as they would from a socket. */
export function inProcessTransport(server: DiscoveryServer): OpenTransport {
  return (handlers) => {
    let isOpen = true;
    const close = (reason: string) => {
      if (!isOpen) return;
      isOpen = false;
      setImmediate(() => handlers.onClosed(reason));
    };
    const stream = server.open((message) => setImmediate(() => isOpen && handlers.onMessage(message)), close);
    setImmediate(() => isOpen && handlers.onOpen());
    return {
      send: (message) => setImmediate(() => isOpen && stream.receive(message)),
      close: () => {
        stream.ended("the stream ended");
        close("closed");
      },
    };
  };
}
