import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
    setupFiles: ["test/harness/fail-on-console.ts", "test/harness/logs-on-failure.ts"],
    // Sockets, child processes and worker threads: each file gets a process of its own, and none is run twice.
    pool: "forks",
    maxWorkers: 2,
    retry: 0,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    // What is awaited over real sockets has no time of its own: a second, the default, is little where others use the cores.
    expect: { poll: { timeout: 10_000 } },
  },
});
