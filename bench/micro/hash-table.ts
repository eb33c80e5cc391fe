/** How long the tables of ring hash and Maglev take for 1,000 endpoints: on the control thread, but a change waits for it. */
import { performance } from "node:perf_hooks";
import { hashTableOf } from "../../src/proxy/clusters/hash-table.ts";

const LIMIT_MS = 20;
const endpoints = Array.from({ length: 1_000 }, (_, i) => ({
  key: `198.18.${i >> 8}.${i & 255}:8080 shop-${i}`,
  weight: 1 + (i % 3),
}));

let isWithin = true;
for (const policy of ["ringHash", "maglev"] as const) {
  const times = Array.from({ length: 51 }, () => {
    const start = performance.now();
    hashTableOf(policy, endpoints);
    return performance.now() - start;
  });
  const first = times[0] ?? 0;
  times.sort((a, b) => a - b);
  const median = times[25] ?? 0;
  isWithin &&= median < LIMIT_MS;
  process.stdout.write(
    `${policy}, 1,000 endpoints: median ${median.toFixed(2)} ms, first ${first.toFixed(2)} ms (target ${LIMIT_MS})\n`,
  );
}
process.exitCode = isWithin ? 0 : 1;
