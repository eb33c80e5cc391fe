/** Peers that are Node programs of ours: they choose a port and announce it as one JSON line on standard output. */
import type { Child } from "../children.ts";

/** The first announcement with the field, or an error with what the child said instead. */
export function announced(child: Child, field: string, limitMs = 15_000): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no announcement: ${child.output().slice(-400)}`)),
      limitMs,
    );
    const look = (): void => {
      for (const line of child.output().split("\n")) {
        const port = portOf(line, field);
        if (port === undefined) continue;
        clearTimeout(timer);
        resolve(port);
      }
    };
    look();
    child.process.stdout?.on("data", look);
    void child.ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code} at start: ${child.output().trim().slice(-400)}`));
    });
  });
}

function portOf(line: string, field: string): number | undefined {
  if (!line.startsWith("{") || !line.endsWith("}")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    const port = typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
    return typeof port === "number" ? port : undefined;
  } catch {
    return undefined;
  }
}
