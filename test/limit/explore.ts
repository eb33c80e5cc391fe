import { seededRandom } from "../harness/random.ts";
import { rulesOf, SimulatedMesh } from "./simulated-mesh.ts";
let worstLow = {r: 9, s:""}, worstHigh = {r:0,s:""};
for (let seed = Number(process.argv[3] ?? 1); seed <= Number(process.argv[2] ?? 60); seed++) {
  const random = seededRandom(seed);
  const rate = Math.round(10 ** (1 + random() * 2.3));
  const long = random() < 0.3;
  const perMs = long ? 60_000 : 1_000;
  const requests = rate * perMs / 1000;
  const burst = Math.max(1, Math.round(long ? requests / 10 : requests * [1, 0.5, 0.1][Math.floor(random()*3)]!));
  const n = 1 + Math.floor(random() * 20);
  const rules = rulesOf({ requests, perMs, burst, mesh: { instances: n } });
  const mesh = new SimulatedMesh(rules, random, 20);
  for (let i = 0; i < n; i++) mesh.join(n);
  const log: string[] = [`rate ${rate} per ${perMs} burst ${burst} n ${n}`];
  let alwaysOver = random() < 0.5;
  while (mesh.now < 40_000) {
    const total = rate * (alwaysOver ? 1.2 + random() * 3 : random() * 4);
    const skew = random() * 4;
    const w = Array.from({ length: mesh.replicas.length }, (_, i) => mesh.replicas[i] === null ? 0 : random() ** (skew*3));
    const sum = w.reduce((a, b) => a + b, 0) || 1;
    const ms = 2000 + Math.floor(random() * 30) * 100;
    log.push(`${mesh.now} x${(total/rate).toFixed(2)} skew ${skew.toFixed(1)}`);
    mesh.run(ms, w.map((x) => (x / sum) * total));
    if (random() < 0.2 && mesh.replicas.filter(Boolean).length < 20) { mesh.join(); log.push("join"); }
    if (random() < 0.2 && mesh.replicas.filter(Boolean).length > 1) { mesh.leave(mesh.replicas.findIndex(Boolean)); log.push("leave"); }
  }
  let lo = 9, hi = 0, lof = 0, hif=0;
  for (const { passed, ideal, from } of mesh.windows(10_000)) {
    const l = 1 - (Math.min(ideal, rate * 10) - passed) / (rate * 10); if (l < lo) { lo = l; lof = from; }
    const h = passed / (rate * 10 + burst); if (h > hi) { hi = h; hif = from; }
  }
  if (process.argv[4]) { const w = mesh.windows(500); for (let i=0;i<w.length;i+=5) console.log(w[i]!.from, "passed", w[i]!.passed, "ideal", w[i]!.ideal, "limit", rate/2); }
  console.log(seed, log[0], "over", alwaysOver, "lo", lo.toFixed(3), "@", lof, "hi", hi.toFixed(3), "@", hif, "msgs/s/replica", (mesh.messages / 40 / n).toFixed(2));
  if (process.argv[3]) console.log(log.join("\n"));
}
