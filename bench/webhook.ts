/**
 * What the admission webhook costs: reviews over TLS with a control plane in a process of its own, 200 a second whether or not
 * answers come (each time is from when a review was due), of pods of real shapes and of pods with 200 containers. Fails where
 * the 99th percentile is 50 ms or more, or 200 a second are not reached.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { allPods } from "../test/kubernetes/inject/pods.ts";
import { admissionReview, call } from "../test/kubernetes/webhook/plane.ts";
import { build } from "./built.ts";

const RATE = 200;
const SECONDS = 10;
const MAX_P99_MS = 50;
const CONTAINERS = 200;
/** The first reviews compile the code; an API server sends them, too, but once. */
const WARM_UP = 100;

const directory = mkdtempSync(join(tmpdir(), "weft-bench-webhook-"));
mkdirSync(join(directory, "config"));
const ports = ["--discovery-port", "0", "--api-port", "0", "--webhook-port", "0"];
const args = [
  build(),
  "control-plane",
  "--config",
  join(directory, "config"),
  "--state-dir",
  directory,
  ...ports,
];
const plane = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
try {
  const port = await webhookPort();
  const ca = readFileSync(join(directory, "trust-bundle.pem"), "utf8");
  const review = (body: string) => call(port, body, { ca, agent });
  const shapes = allPods().map(({ value }) => admissionReview(value));
  const large = [admissionReview(largePod())];
  for (const [what, bodies] of [
    ["pods of real shapes", shapes],
    [`pods of ${CONTAINERS} containers`, large],
  ] as const) {
    for (let i = 0; i < WARM_UP; i++) await review(bodies[i % bodies.length] ?? "");
    await measure(what, bodies, review);
  }
} finally {
  agent.destroy();
  plane.kill();
  rmSync(directory, { recursive: true, force: true });
}

async function measure(
  what: string,
  bodies: readonly string[],
  review: (body: string) => ReturnType<typeof call>,
) {
  const total = RATE * SECONDS;
  const times: number[] = [];
  const started = performance.now();
  const before = cpuSeconds();
  const all: Promise<void>[] = [];
  for (let i = 0; i < total; i++) {
    const due = started + (i * 1_000) / RATE;
    if (due > performance.now()) await sleep(due - performance.now());
    all.push(
      review(bodies[i % bodies.length] ?? "").then(({ status }) => {
        if (status !== 200) throw new Error(`status ${status}`);
        times.push(performance.now() - due);
      }),
    );
  }
  await Promise.all(all);
  const seconds = (performance.now() - started) / 1_000;
  const rate = total / seconds;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? 0;
  const cpuMs = ((cpuSeconds() - before) * 1_000) / total;
  const kib = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length / 1_024;
  const isReached = at(0.99) < MAX_P99_MS && rate > RATE * 0.99;
  process.stdout.write(
    `${what} (${kib.toFixed(1)} KiB): ${rate.toFixed(0)} reviews/s, p50 ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms, ` +
      `${cpuMs.toFixed(2)} ms CPU each: ${isReached ? "reached" : "MISSED"}\n`,
  );
  if (!isReached) process.exitCode = 1;
}

/** CPU time of the control plane so far. */
function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${plane.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function webhookPort(): Promise<number> {
  for await (const line of createInterface({ input: plane.stdout })) {
    return (JSON.parse(line) as { webhookPort: number }).webhookPort;
  }
  throw new Error("the control plane did not start");
}

function largePod() {
  const containers = Array.from({ length: CONTAINERS }, (_, i) => ({
    name: `app-${i}`,
    image: `registry.example/shop/app-${i}:1.2.3`,
    ports: [{ name: "http", containerPort: 1_000 + i }],
    env: Array.from({ length: 10 }, (_, n) => ({
      name: `SETTING_${n}`,
      value: `value ${n} of container ${i}`,
    })),
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
    livenessProbe: { httpGet: { path: "/live", port: "http" }, periodSeconds: 10 },
    readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 5 },
    volumeMounts: [{ name: "config", mountPath: "/etc/app" }],
  }));
  const volumes = [{ name: "config", configMap: { name: "app" } }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "large-" },
    spec: { containers, volumes },
  };
}
