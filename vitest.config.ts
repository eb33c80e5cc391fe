import { defineConfig } from "vitest/config";
import { COMPILE_CACHE } from "./test/harness/compile-cache.ts";
import { LongFirst } from "./test/harness/long-first.ts";

// The mesh and the proxies of the shell that starts the tests are none of theirs.
delete process.env["WEFT_API"];
delete process.env["NODE_USE_ENV_PROXY"];
Object.assign(process.env, COMPILE_CACHE);

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        // Sockets, child processes and worker threads: each file gets a process of its own.
        test: { name: "mesh", include: ["test/**/*.test.ts", "bench/**/*.test.ts"] },
      },
      {
        extends: true,
        // What stands beside its source leaves nothing behind, and a process for each would take twice as long as all of the tests.
        test: { name: "units", include: ["src/**/*.test.ts"], isolate: false },
      },
    ],
    sequence: { sequencer: LongFirst },
    setupFiles: ["test/harness/fail-on-console.ts", "test/harness/logs-on-failure.ts"],
    pool: "forks",
    maxWorkers: 2,
    // None is run twice.
    retry: 0,
    // What no test needs where nobody else uses the cores; it is there to end those that hang.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
    // What is awaited over real sockets has no time of its own: a second, the default, is little where others use the cores.
    expect: { poll: { timeout: 10_000 } },
  },
});
