/** A program that calls: for each URL on a line of its input, a line with what came. It knows of no proxy but its environment's. */
import { createInterface } from "node:readline";

console.log("ready");
for await (const url of createInterface(process.stdin)) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    console.log(JSON.stringify({ status: response.status, text }));
  } catch (error) {
    console.log(JSON.stringify({ status: 0, text: String(error) }));
  }
}
