/** After each test that fails: what its processes have said. Of a setup file, the hook comes after all of a test's own. */
import { afterEach } from "vitest";
import { takeLogs } from "./process-logs.ts";

afterEach(({ task }) => {
  const logs = takeLogs();
  if (task.result?.state === "fail" && logs !== "")
    process.stderr.write(`\nafter "${task.name}":\n${logs}\n`);
});
