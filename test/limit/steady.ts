import { seededRandom } from "../harness/random.ts";
import { rulesOf, SimulatedMesh } from "./simulated-mesh.ts";
for (const [n, x, skew] of [[20,0.2,0],[20,0.5,1],[20,2,0],[20,2,3],[5,0.9,0],[3,3,0]] as const) {
  const random = seededRandom(1);
  const mesh = new SimulatedMesh(rulesOf({ requests: 1000, burst: 1000 }), random, 20);
  for (let i = 0; i < n; i++) mesh.join(n);
  const w = Array.from({ length: n }, (_, i) => (i + 1) ** -skew); const s = w.reduce((a, b) => a + b, 0);
  const rates = w.map((v) => (v / s) * x * 1000);
  mesh.run(5000, rates); mesh.messages = 0; mesh.run(20000, rates);
  const last = mesh.windows(10_000).at(-1)!;
  console.log(n, x, skew, "msgs/s/replica", mesh.messages / 20 / n, "passed", last.passed, "ideal", last.ideal);
}
