/** A KUBECONFIG that leads to a stub. */

/** Plain HTTP is refused by the client unless it is told that nothing is verified. */
export function kubeconfigOf(server: string): string {
  const named = (key: string, value: object) => [{ name: "stub", [key]: value }];
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "stub",
    clusters: named("cluster", { server, "insecure-skip-tls-verify": true }),
    contexts: named("context", { cluster: "stub", user: "stub" }),
    users: named("user", {}),
  });
}
