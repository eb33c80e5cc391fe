/** Compose projects and resources of the tests with a real engine, and what their answers mean. */
import { NODE } from "./images.ts";
import type { Answer } from "./project.ts";

/** Of the example. */
export const SERVICES = ["web", "catalog", "catalog-v2", "stock", "reviews"] as const;
/** Stand in each request and answer between them. */
export const WORDS = ["GET /items", "GET /stock", "GET /reviews", "HTTP/1.1", "heddle"] as const;

/** Says who asks, and who it is. */
function server(port: number): string {
  const text = `"from " + request.socket.remoteAddress + " as " + process.getuid()`;
  const code = `http.createServer((request, response) => response.end(${text})).listen(${port}, "0.0.0.0")`;
  return JSON.stringify(["node", "-e", `process.on("SIGTERM", process.exit); ${code}`]);
}

/** Published port, users, a shared network. */
export const SHAPES = `services:
  front: { image: "${NODE}", user: root, ports: ["127.0.0.1:8080:8080"], command: ${server(8080)} }
  beside: { image: "${NODE}", user: "2000", network_mode: "service:front", init: true, command: [sleep, infinity] }
  stranger: { image: "${NODE}", user: "2000:0", init: true, command: [sleep, infinity] }
  back: { image: "${NODE}", user: "1000:1000", expose: [9000], command: ${server(9000)} }
`;

export const ONLY_FRONT = `apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: back }
spec:
  selector: { matchLabels: { app: back } }
  rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/front] } }] }]
`;

export const DENY = `apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: nobody }
spec:
  action: DENY
  selector: { matchLabels: { app: reviews } }
  rules: [{}]
`;

/** Which version of the catalog has answered; "none" where there was another answer than a good one. */
export function versionOf({ status, text }: Answer): string {
  if (status !== 200) return "none";
  const { calls } = JSON.parse(text) as { calls?: { catalog?: { version?: string } } };
  return calls?.catalog?.version ?? "none";
}

/** The example's route with these weights. */
export function splitOf(v1: number, v2: number, text: string): string {
  return text
    .replace(/(name: catalog, port: 8080, weight:) \d+/, `$1 ${v1}`)
    .replace(/(name: catalog-v2, port: 8080, weight:) \d+/, `$1 ${v2}`);
}
