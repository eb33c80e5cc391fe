/**
 * A real Kubernetes API server on this machine, without images and without nodes. `build` makes its programs with Go (once, outside of
 * the repository), `up` runs it until it is interrupted, and prints how to reach it:
 *
 *     node scripts/kubernetes.ts build && node scripts/kubernetes.ts up
 */
import { setTimeout as sleep } from "node:timers/promises";
import { buildPrograms } from "../test/kubernetes/cluster/build.ts";
import { startCluster } from "../test/kubernetes/cluster/cluster.ts";
import { arePrograms } from "../test/kubernetes/cluster/programs.ts";

/** Nobody leaves one running for longer by mistake. */
const LONGEST_MS = 8 * 60 * 60_000;

async function up(): Promise<number> {
  if (!arePrograms()) {
    process.stderr.write("its programs are not there: node scripts/kubernetes.ts build\n");
    return 1;
  }
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
  const cluster = await startCluster();
  process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
  await sleep(LONGEST_MS, undefined, { signal: interrupted.signal }).catch(() => {});
  await cluster.close();
  return 0;
}

async function main([command]: readonly string[]): Promise<number> {
  if (command === "build") {
    process.stdout.write(`${buildPrograms()}\n`);
    return 0;
  }
  if (command === "up") return up();
  process.stderr.write("usage: node scripts/kubernetes.ts build | up\n");
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
