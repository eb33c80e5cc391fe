/** KUBECONFIGs for a cluster's API server, and whether something is there. */
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:https";

export interface Access {
  readonly port: number;
  /** Path of the certificate that it shows, which is its own issuer. */
  readonly certificate: string;
}

/** A KUBECONFIG for the bearer of `token`. */
export function kubeconfigText({ port, certificate }: Access, token: string): string {
  const ca = readFileSync(certificate).toString("base64");
  const named = (key: string, value: object) => [{ name: "weft-test", [key]: value }];
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "weft-test",
    clusters: named("cluster", { server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca }),
    contexts: named("context", { cluster: "weft-test", user: "weft-test" }),
    users: named("user", { token }),
  });
}

/** Whether the API server answers a GET of `path` with 200. */
export function isThere({ port, certificate }: Access, token: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    // It is the server that writes its certificate, when it starts.
    if (!existsSync(certificate)) return resolve(false);
    const ca = readFileSync(certificate);
    const headers = { authorization: `Bearer ${token}` };
    const asked = request({ host: "127.0.0.1", port, path, ca, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.setTimeout(5_000, () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.end();
  });
}
