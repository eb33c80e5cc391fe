/** The defaults of the processes: ports, drain, back-off, coalescing; each read from what the product does with it. */
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { controlPlaneCommand } from "../../src/cli/control-plane-command.ts";
import { readFlags } from "../../src/cli/sidecar-flags.ts";
import { settingsOf } from "../../src/cli/sidecar-settings.ts";
import { Coalescer } from "../../src/control-plane/coalescer.ts";
import { DiscoveryClient } from "../../src/discovery/client.ts";
import { Drain } from "../../src/proxy/loop-drain.ts";
import { rawOrigin } from "../harness/raw.ts";
import { virtualSidecar } from "../harness/virtual-sidecar.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("weft sidecar without flags", () => {
  const settings = settingsOf(readFlags(["--service", "shop"], {}));

  it.each([
    ["outbound port", 15_001, settings.ports.outbound],
    ["inbound port", 15_006, settings.ports.inbound],
    ["admin port", 15_000, settings.ports.admin],
    ["telemetry port", 15_020, settings.ports.telemetry],
    ["traffic loops", 1, settings.concurrency],
    ["drain, milliseconds", 45_000, settings.drainTimeoutMs],
    ["subscriptions", "lazy", settings.outboundScope],
    ["service account", "default", settings.node.serviceAccount],
    ["namespace", "default", settings.node.namespace],
  ])("%s: %s", (_name, expected, found) => {
    expect(found).toBe(expected);
  });
});

it("weft control-plane: discovery on 15012, API on 15014", async () => {
  const stdout = new PassThrough();
  const io = { stdin: new PassThrough(), stdout, stderr: stdout, env: {}, cwd: "/" };
  const run = controlPlaneCommand(() => {
    throw new Error("not to be opened");
  });
  expect(await run(["--help"], io)).toBe(0);
  const help = String(stdout.read());
  expect(help).toMatch(/--discovery-port[\s\S]{0,160}default:\s+15012/);
  expect(help).toMatch(/--api-port[\s\S]{0,160}default:\s+15014/);
});

it("drain: ends at 45 s, with what is under way cut off", async () => {
  const origin = await rawOrigin(() => {});
  const sidecar = await virtualSidecar([origin.port]);
  const client = sidecar.client("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  await expect.poll(() => origin.received).toContain("GET /");
  const { drainGraceMs, drainTimeoutMs } = settingsOf(readFlags(["--service", "shop"], {}));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  let cut = -1;
  const drain = new Drain([sidecar.outbound, sidecar.inbound], [sidecar.listener], (connections) => {
    cut = connections;
  });
  drain.begin(drainGraceMs, drainTimeoutMs);
  vi.advanceTimersByTime(44_900);
  expect(cut).toBe(-1);
  vi.advanceTimersByTime(200);
  expect(cut).toBe(1);
  vi.useRealTimers();
  await expect.poll(client.isClosed).toBe(true);
  sidecar.close();
  await origin.close();
});

it("reconnecting: 250 ms, doubling to 15 s, each pause random up to that", () => {
  const pauses: number[] = [];
  const due: (() => void)[] = [];
  let random = 1;
  const node = settingsOf(readFlags(["--service", "shop"], {})).node;
  const ports = { inbound: 1, outbound: 2, admin: 3, telemetry: 4 };
  const client = new DiscoveryClient(
    (handlers) => {
      due.push(() => handlers.onClosed("refused"));
      return { send() {}, close() {} };
    },
    { node: { ...node, ports }, versions: () => ({}), receive: async () => [], connectionChanged() {} },
    {
      random: () => random,
      after: (ms, run) => {
        pauses.push(ms);
        due.push(run);
        return () => {};
      },
    },
  );
  const step = () => due.shift()?.();
  for (let i = 0; i < 18; i++) step();
  expect(pauses).toEqual([0, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  random = 0.25;
  step();
  step();
  expect(pauses.at(-1)).toBe(3_750);
  client.close();
});

it("changes are coalesced: 10 ms of quiet, 100 ms at most", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  let reactions = 0;
  const coalescer = new Coalescer(() => {
    reactions++;
  });
  coalescer.touch();
  vi.advanceTimersByTime(9);
  expect(reactions).toBe(0);
  vi.advanceTimersByTime(1);
  expect(reactions).toBe(1);
  for (let ms = 0; ms < 99; ms += 9) {
    coalescer.touch();
    vi.advanceTimersByTime(9);
  }
  expect(reactions).toBe(1);
  coalescer.touch();
  vi.advanceTimersByTime(1);
  expect(reactions).toBe(2);
});
