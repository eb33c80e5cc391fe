/**
 * Where a body is read: here, or, as soon as that may take more than a moment, in a thread of its own with bounded time
 * and memory. Reading YAML takes a second or more per megabyte, and the control plane's loop serves all sidecars.
 */
import { Worker } from "node:worker_threads";
import { HttpError } from "./http.ts";
import { readWrite, type Write, type WriteRequest, type WriteResult } from "./writes.ts";

/** Longest body that is read on the loop, in bytes: some 20 ms of YAML. */
const MAX_INLINE = 8_192;
const TIME_LIMIT_MS = 60_000;
const HEAP_LIMIT_MB = 1_024;

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./write-worker.ts" : "./write-worker.js",
  import.meta.url,
);

/** One long body after the other: their memory does not add up. */
let last: Promise<unknown> = Promise.resolve();

/** What a body asks for; throws an HttpError that says what is wrong with it. */
export async function readEdits(request: WriteRequest, body: Buffer): Promise<Write> {
  const result =
    body.length <= MAX_INLINE
      ? readWrite(request, body.toString("utf8"))
      : await inTurn(() => readApart(request, body));
  if ("edits" in result) return result;
  const { status, code, message, issues } = result.refusal;
  throw new HttpError(status, code, message, issues);
}

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work, work);
  last = turn.catch(() => {});
  return turn;
}

function readApart(request: WriteRequest, body: Buffer): Promise<WriteResult> {
  return new Promise((resolve) => {
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_LIMIT_MB };
    const worker = new Worker(ENTRY, { workerData: { request, body }, resourceLimits });
    const end = (result: WriteResult) => {
      clearTimeout(timer);
      resolve(result);
      void worker.terminate();
    };
    const refuse = (message: string) => end({ refusal: { status: 422, code: "invalid", message } });
    const timer = setTimeout(() => refuse("nothing was changed: it takes too long to read"), TIME_LIMIT_MS);
    worker.once("message", end);
    worker.once("error", (error: Error) =>
      refuse(`nothing was changed: it can't be read (${error.message})`),
    );
  });
}
