/** The thread that reads long bodies: one body in, its result out. */
import { parentPort, workerData } from "node:worker_threads";
import { readWrite, type WriteRequest } from "./writes.ts";

const { request, body } = workerData as { readonly request: WriteRequest; readonly body: Uint8Array };
parentPort?.postMessage(readWrite(request, Buffer.from(body).toString("utf8")));
