/** What to listen on to be reached at every address of the machine. */
import { networkInterfaces } from "node:os";

/** Of both families, where there is IPv6. */
export function anyAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.some(({ family }) => family === "IPv6") ? "::" : "0.0.0.0";
}
