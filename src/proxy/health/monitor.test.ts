/** When endpoints are asked, and what the loops hear of it: on a clock that the test moves, with probes that it answers. */
import { expect, it } from "vitest";
import { virtualPace } from "../../../test/harness/virtual-pace.ts";
import { clusterOf, endpointAt, GET, TCP } from "../../../test/health/ask.ts";
import type { HealthCheck } from "../../discovery/health-check.ts";
import type { EndpointResource } from "../../discovery/messages.ts";
import { endpointKey } from "../clusters/endpoint.ts";
import type { Change } from "../snapshot/loop-protocol.ts";
import { HealthMonitor, MAX_PROBES } from "./monitor.ts";
import type { Outcome } from "./probe.ts";

const NAME = "shop.default:80";
const PASS: Outcome = { kind: "pass" };
const FAIL: Outcome = { kind: "fail", reason: "HTTP 503" };

interface Asked {
  readonly port: number;
  readonly at: number;
  /** Kind of the question. */
  readonly kind: string;
  answer(outcome: Outcome): void;
  isOver: boolean;
}

function setUp(random: () => number = () => 0.5) {
  const pace = virtualPace(random);
  const asked: Asked[] = [];
  const sent: Change[][] = [];
  const verdicts: string[] = [];
  /** Answers each question at once, if set. */
  const auto: { outcome: Outcome | null } = { outcome: null };
  let confirm: (() => void) | undefined;
  const isHolding = { value: false };
  const monitor = new HealthMonitor({
    pace,
    makeProbe: (cluster) => (target, done) => {
      const one: Asked = {
        port: target.endpoint.port,
        at: pace.now,
        kind: cluster.healthCheck.probe.kind,
        answer: done,
        isOver: false,
      };
      asked.push(one);
      const { outcome } = auto;
      const cancel = outcome === null ? () => {} : pace.after(0, () => done(outcome));
      return () => {
        one.isOver = true;
        cancel();
      };
    },
    send: (changes) => {
      sent.push([...changes]);
      if (!isHolding.value) return Promise.resolve();
      return new Promise((resolve) => {
        confirm = resolve;
      });
    },
    onVerdict: (cluster, { endpoint, verdict, lastResult }) =>
      verdicts.push(`${cluster} ${endpoint.port} ${verdict}: ${lastResult}`),
  });
  const cluster = (change: Partial<HealthCheck> = {}): Change => {
    const resource = clusterOf(GET);
    return {
      kind: "cluster",
      resource: { ...resource, healthCheck: { ...resource.healthCheck, ...change } },
    };
  };
  return {
    pace,
    asked,
    sent,
    verdicts,
    auto,
    monitor,
    cluster,
    isHolding,
    confirm: () => confirm?.(),
    open: () => asked.filter((one) => !one.isOver),
    /** When each question to a port came. */
    times: (port: number) => asked.filter((one) => one.port === port).map(({ at }) => at),
    async tick(ms: number) {
      pace.advance(ms);
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

function endpoints(...ports: number[]): Change {
  return { kind: "endpoints", name: NAME, endpoints: ports.map((port) => endpointAt(port)), complete: true };
}

const keyOf = (port: number, change: Partial<EndpointResource> = {}) => endpointKey(endpointAt(port, change));
const unhealthy = (...ports: number[]): Change => ({
  kind: "health",
  name: NAME,
  unhealthy: ports.map((port) => keyOf(port)),
});

it("first check at once; the next within an interval, then each after the interval, give or take a tenth", () => {
  const draws = [0.5, 0, 1, 0.5];
  const test = setUp(() => draws.shift() ?? 0.5);
  test.auto.outcome = PASS;
  test.monitor.applied([test.cluster(), endpoints(1)]);
  test.pace.advance(40_000);
  expect(test.times(1)).toEqual([0, 7_500, 16_500, 27_500, 37_500]);
});

it("timeout: what has no answer in 1 s has failed, and is given up", async () => {
  const test = setUp();
  test.monitor.applied([test.cluster(), endpoints(1)]);
  await test.tick(999);
  expect(test.open().length).toBe(1);
  await test.tick(1);
  expect(test.open().length).toBe(0);
  expect(test.verdicts).toEqual([`${NAME} 1 unhealthy: no answer in 1000 ms`]);
  expect([...test.monitor.clusters()][0]?.[1].counts).toEqual({ pass: 0, fail: 0, timeout: 1 });
  test.asked[0]?.answer(PASS);
  expect(test.verdicts.length).toBe(1);
});

it("unhealthy after 3, healthy after 2; loops and log hear of changes alone", async () => {
  const test = setUp();
  test.auto.outcome = PASS;
  test.monitor.applied([test.cluster(), endpoints(1, 2)]);
  await test.tick(0);
  expect([test.sent, test.verdicts]).toEqual([[], []]);
  test.auto.outcome = FAIL;
  await test.tick(17_500);
  expect(test.sent).toEqual([]);
  await test.tick(10_000);
  expect(test.verdicts.length).toBe(2);
  expect(test.sent.at(-1)).toEqual([unhealthy(1, 2)]);
  test.auto.outcome = PASS;
  await test.tick(10_000);
  expect(test.verdicts.length).toBe(2);
  await test.tick(10_000);
  expect(test.sent.at(-1)).toEqual([unhealthy()]);
  expect(test.verdicts.slice(2)).toEqual([`${NAME} 1 healthy: passed`, `${NAME} 2 healthy: passed`]);
});

it("what is found while the loops apply the last goes in one, and every change names all that fail", async () => {
  const test = setUp();
  test.isHolding.value = true;
  test.monitor.applied([test.cluster(), endpoints(1, 2, 3)]);
  for (const one of test.asked) one.answer(FAIL);
  await test.tick(0);
  expect(test.sent).toEqual([[unhealthy(1)]]);
  test.confirm();
  await test.tick(0);
  expect(test.sent.slice(1)).toEqual([[unhealthy(1, 2, 3)]]);
});

it("at most 100 at once; the others wait, in order, and are asked as soon as there is room", () => {
  const test = setUp();
  test.monitor.applied([test.cluster(), endpoints(...Array.from({ length: 250 }, (_, i) => i + 1))]);
  expect([MAX_PROBES, test.open().length]).toEqual([100, 100]);
  test.asked[0]?.answer(PASS);
  expect(test.asked.map(({ port }) => port)).toEqual(Array.from({ length: 101 }, (_, i) => i + 1));
  test.pace.advance(1_000);
  expect([test.asked.length, test.open().length]).toEqual([201, 100]);
  test.pace.advance(1_000);
  expect([test.asked.length, test.open().length]).toEqual([250, 49]);
});

it("those that come together part: after the first check their times are spread over half an interval", () => {
  let seed = 1;
  const test = setUp(() => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  });
  test.auto.outcome = PASS;
  test.monitor.applied([test.cluster(), endpoints(...Array.from({ length: 1_000 }, (_, i) => i + 1))]);
  test.pace.advance(10_100);
  const second = test.asked.slice(1_000).map(({ at }) => at);
  expect(second.length).toBe(1_000);
  for (let from = 5_000; from < 10_000; from += 500) {
    const share = second.filter((at) => at >= from && at < from + 500).length;
    expect(share).toBeGreaterThan(60);
    expect(share).toBeLessThan(150);
  }
});

it("an endpoint that goes is asked no more; one that stays keeps its state, one that returns begins anew", async () => {
  const test = setUp();
  test.auto.outcome = FAIL;
  test.monitor.applied([test.cluster(), endpoints(1, 2)]);
  await test.tick(0);
  test.monitor.applied([endpoints(2)]);
  await test.tick(20_000);
  expect([test.times(1), test.times(2).length]).toEqual([[0], 3]);
  expect(test.verdicts.length).toBe(2);
  expect(test.sent.at(-1)).toEqual([unhealthy(2)]);
  test.auto.outcome = null;
  test.monitor.applied([endpoints(1, 2)]);
  const [[, checks] = []] = test.monitor.clusters();
  expect(checks?.unhealthy()).toEqual([keyOf(2)]);
  expect(test.times(1)).toEqual([0, 20_000]);
});

it("what is under way or waits for room ends with its endpoint, its cluster and the monitor", () => {
  const many = Array.from({ length: 150 }, (_, i) => i + 1);
  for (const end of [
    [endpoints()],
    [{ kind: "endpoints-removed", name: NAME }],
    [{ kind: "cluster-removed", name: NAME }],
    [{ kind: "cluster", resource: { ...clusterOf(GET), healthCheck: undefined } }],
    null,
  ] as (Change[] | null)[]) {
    const test = setUp();
    test.monitor.applied([test.cluster(), endpoints(...many)]);
    if (end === null) test.monitor.close();
    else test.monitor.applied(end);
    expect([test.open().length, test.pace.waiting]).toEqual([0, 0]);
    for (const one of test.asked) one.answer(FAIL);
    expect(test.verdicts).toEqual([]);
  }
});

it("other thresholds count what has been; another interval holds at once", async () => {
  const test = setUp();
  test.auto.outcome = PASS;
  test.monitor.applied([test.cluster({ intervalMs: 600_000 }), endpoints(1)]);
  await test.tick(0);
  test.auto.outcome = FAIL;
  test.monitor.applied([test.cluster({ intervalMs: 1_000 })]);
  await test.tick(1_500);
  expect(test.times(1)).toEqual([0, 500, 1_500]);
  test.monitor.applied([test.cluster({ intervalMs: 1_000, unhealthyThreshold: 5 })]);
  await test.tick(2_000);
  expect(test.verdicts).toEqual([]);
  await test.tick(1_000);
  expect(test.verdicts).toEqual([`${NAME} 1 unhealthy: HTTP 503`]);
});

it("another question is asked at once; its first answer decides", async () => {
  const test = setUp();
  test.auto.outcome = PASS;
  test.monitor.applied([test.cluster(), endpoints(1)]);
  await test.tick(100);
  test.auto.outcome = FAIL;
  test.monitor.applied([test.cluster({ probe: TCP })]);
  await test.tick(0);
  expect(test.asked.map(({ at, kind }) => `${kind} ${at}`)).toEqual(["http 0", "tcp 100"]);
  expect(test.verdicts).toEqual([`${NAME} 1 unhealthy: HTTP 503`]);
});

it("an answer that comes after its question was given up is nobody's", async () => {
  const test = setUp();
  test.monitor.applied([test.cluster(), endpoints(1)]);
  test.monitor.applied([test.cluster({ probe: TCP })]);
  test.asked[0]?.answer(FAIL);
  await test.tick(0);
  expect([test.verdicts, test.open().map(({ kind }) => kind)]).toEqual([[], ["tcp"]]);
  test.asked[1]?.answer(PASS);
  await test.tick(60_000);
  const many = Array.from({ length: 150 }, (_, i) => i + 2);
  test.monitor.applied([endpoints(...many)]);
  expect(test.open().length).toBe(100);
});

it("a health check that is taken away clears what it found; one that is added begins at once", async () => {
  const test = setUp();
  test.auto.outcome = FAIL;
  const none: Change = { kind: "cluster", resource: { ...clusterOf(GET), healthCheck: undefined } as never };
  test.monitor.applied([none, endpoints(1)]);
  await test.tick(60_000);
  expect(test.asked).toEqual([]);
  test.monitor.applied([test.cluster()]);
  await test.tick(0);
  expect(test.sent).toEqual([[unhealthy(1)]]);
  test.monitor.applied([none]);
  await test.tick(0);
  expect(test.sent.slice(1)).toEqual([[unhealthy()]]);
  expect([...test.monitor.clusters()]).toEqual([]);
});

it("what the sidecar could not ask says nothing of the endpoint", async () => {
  const test = setUp();
  test.auto.outcome = { kind: "unknown", reason: "no certificate" };
  test.monitor.applied([test.cluster(), endpoints(1)]);
  await test.tick(60_000);
  const [[, checks] = []] = test.monitor.clusters();
  expect([test.verdicts, checks?.counts]).toEqual([[], { pass: 0, fail: 0, timeout: 0 }]);
  expect(test.times(1).length).toBe(7);
});

it("a flapping endpoint: verdicts change no more often than thresholds allow", async () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const test = setUp(random);
  test.monitor.applied([test.cluster(), endpoints(1)]);
  for (let i = 0; i < 1_000; i++) {
    for (const one of test.open()) one.answer(random() < 0.5 ? PASS : FAIL);
    await test.tick(500);
  }
  const rounds = test.asked.length;
  expect(rounds).toBeGreaterThan(40);
  expect(test.verdicts.length).toBeLessThan(rounds / 5 + 2);
  expect(test.verdicts.length).toBeGreaterThan(1);
});

it("where outlier detection may have left somebody out, the loops hear of each check that passes", async () => {
  const test = setUp();
  test.auto.outcome = PASS;
  test.monitor.applied([{ kind: "cluster", resource: { ...clusterOf(GET), outlier: {} } }, endpoints(1, 2)]);
  await test.tick(0);
  expect(
    test.sent.flat().flatMap((change) => (change.kind === "health" ? (change.passed ?? []) : [])),
  ).toEqual([keyOf(1), keyOf(2)]);
  test.sent.length = 0;
  test.auto.outcome = FAIL;
  await test.tick(30_000);
  expect(test.sent.at(-1)).toEqual([unhealthy(1, 2)]);
});
