/**
 * A traffic loop: the entry of a worker thread that carries traffic and does nothing else. Configuration comes as small updates
 * between two requests, counters lie in shared memory, everything slow happens on the control thread.
 */
import { flushCompileCache } from "node:module";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { applicationSource } from "./application-source.ts";
import { ClusterTable } from "./cluster-table.ts";
import { DecisionTap } from "./decisions.ts";
import { DemandTicker } from "./demand-ticker.ts";
import { openDoors } from "./doors.ts";
import { Inbound } from "./inbound.ts";
import { loopContext } from "./loop-context.ts";
import { Drain } from "./loop-drain.ts";
import { Keyring } from "./net/credentials.ts";
import { ownAddress } from "./net/own-address.ts";
import { TimerWheel } from "./net/timer-wheel.ts";
import { Outbound } from "./outbound.ts";
import type { FromLoop, LoopStart, SeriesInfo, ToLoop } from "./snapshot/loop-protocol.ts";
import { releaseStartUpMemory } from "./start-up-memory.ts";
import { Swap } from "./swap.ts";
import { SlotAllocator } from "./telemetry/slot-allocator.ts";

/** Longest turn of an update. */
const TURN_MS = 1;
/** How often the loop's own delay is written to its gauges. */
const DELAY_REPORT_MS = 5_000;
/** A route that no request has used for one to two of these is given up. */
const ROUTE_SWEEP_MS = 300_000;

// The control thread imports this file too, to fill the compile cache; only a worker has work.
if (parentPort !== null) start(parentPort, workerData as LoopStart);

function start(port: MessagePort, options: LoopStart): void {
  const post = (message: FromLoop) => port.postMessage(message);
  // A workload may call itself, so its own inbound port is an endpoint like any other; from inbound it would be a loop.
  const outboundOwn = new Set(options.ownPorts);
  const inboundOwn = new Set(options.ownPorts);
  const allocator = new SlotAllocator((buffer) => post({ kind: "page", buffer }), announceSeries(post));
  const keyring = new Keyring();
  const tap = new DecisionTap(
    (decision, left) => post({ kind: "decision", decision, left }),
    () => performance.now(),
  );
  const loop = loopContext(new TimerWheel(), keyring, allocator);
  loop.comparisons.send = (sample, bytes) => post({ kind: "mirrored", sample, bytes });
  const outbound = new Outbound(loop, new ClusterTable(loop, allocator, "source"), allocator, {
    isOwn: ownAddress(outboundOwn),
    scope: options.outboundScope,
    subscribe: (routes) => post({ kind: "subscribe", routes }),
    unsubscribe: (routes) => post({ kind: "unsubscribe", routes }),
  });
  const inbound = new Inbound(loop, new ClusterTable(loop, allocator, "destination"), allocator, {
    isOwn: ownAddress(inboundOwn),
    ...(options.isTransparent && { source: applicationSource() }),
    keyring,
    onDecision: (decision) => tap.take(decision),
    loops: options.loops ?? 1,
    index: options.index,
  });
  const doors = openDoors(options, outbound, inbound, inboundOwn);
  const demands = new DemandTicker(inbound.limiter.meter, {
    send: (report) => post({ kind: "demand", report }),
    now: () => loop.wheel.now(),
  });
  outbound.clusters.onEjection = (ejection) => post({ kind: "ejection", ejection });
  const swap = new Swap(outbound, inbound, keyring);
  const drain = new Drain([outbound, inbound], doors.listeners, (cut) => post({ kind: "drained", cut }));

  port.on("message", (message: ToLoop) => {
    switch (message.kind) {
      case "update":
        inTurns(swap.applied(message.changes), () => {
          demands.look();
          post({ kind: "update-applied", id: message.id });
        });
        return;
      case "leases":
        inbound.limiter.lend(message.leases, loop.wheel.now());
        return;
      case "rejoin":
        inbound.limiter.meter.rejoin();
        return;
      case "drain":
        drain.begin(message.graceMs, message.timeoutMs);
        return;
      case "mirrored-taken":
        loop.comparisons.taken(message.bytes);
        return;
      case "describe":
        post({ kind: "described", id: message.id, rows: describe(message.what) });
    }
  });

  function describe(what: "clusters" | "connections") {
    const now = loop.wheel.now();
    return what === "clusters"
      ? [...swap.describe("outbound", outbound.clusters), ...swap.describe("inbound", inbound.clusters)]
      : [...outbound.connections.describe("outbound", now), ...inbound.connections.describe("inbound", now)];
  }

  reportDelay(allocator, options.index);
  setInterval(() => outbound.sweep(), ROUTE_SWEEP_MS).unref();
  doors.open().then(
    ({ outboundPort, inboundPort }) => {
      outboundOwn.add(outboundPort);
      inboundOwn.add(outboundPort).add(inboundPort);
      // Sources that only this thread loads and had to strip: the next start finds them in the cache.
      flushCompileCache();
      releaseStartUpMemory();
      post({ kind: "listening", outboundPort, inboundPort });
    },
    (error: unknown) =>
      post({ kind: "failed", message: error instanceof Error ? error.message : String(error) }),
  );
}

/** Takes steps for a while, then lets traffic pass. */
function inTurns(steps: Generator<undefined, void>, done: () => void): void {
  const end = performance.now() + TURN_MS;
  do {
    if (steps.next().done === true) {
      done();
      return;
    }
  } while (performance.now() < end);
  setImmediate(inTurns, steps, done);
}

/** Series are announced in one message per turn: a new cluster makes several. */
function announceSeries(post: (message: FromLoop) => void): (series: SeriesInfo) => void {
  let waiting: SeriesInfo[] = [];
  return (series) => {
    if (waiting.push(series) > 1) return;
    queueMicrotask(() => {
      post({ kind: "series", series: waiting });
      waiting = [];
    });
  };
}

function reportDelay(allocator: SlotAllocator, index: number): void {
  const histogram = monitorEventLoopDelay({ resolution: 100 });
  histogram.enable();
  const quantiles = [50, 99, 100].map((percentile) => ({
    percentile,
    block: allocator.allocate("gauge", "weft_loop_delay_seconds", {
      loop: String(index),
      quantile: String(percentile / 100),
    }),
  }));
  setInterval(() => {
    for (const { percentile, block } of quantiles) {
      const nanoseconds = histogram.percentile(percentile) - 100e6;
      block.page[block.offset] = Math.max(0, nanoseconds) / 1e9;
    }
    histogram.reset();
  }, DELAY_REPORT_MS).unref();
}
