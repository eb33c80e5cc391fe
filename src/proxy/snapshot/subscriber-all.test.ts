import { beforeEach, describe, expect, it } from "vitest";
import { OPEN } from "../../../test/harness/policy.ts";
import {
  at,
  cluster,
  endpoints,
  INBOUND,
  OUTBOUND,
  route,
  SubscriberBench,
} from "../../../test/harness/subscriber.ts";

it("asks for everything with the scope `all`", () => {
  const bench = new SubscriberBench({ scope: "all" });
  bench.subscriber.start();
  expect(bench.asked()).toEqual([
    "+cluster *",
    "+endpoints *",
    "+route *",
    "+listener inbound,outbound",
    "+policy inbound",
  ]);
});

it("asks by name for a cluster's endpoints that have not come with all", () => {
  const bench = new SubscriberBench({ scope: "all" });
  bench.subscriber.start();
  void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
  bench.asked();
  void bench.receive("route", [at("1", route("a.default:80", "a.default:80"))]);
  expect(bench.asked()).toEqual(["+endpoints a.default:80"]);
});

it("asks again, with the scope `all`, for routes by automatic addresses of an earlier run", () => {
  const bench = new SubscriberBench({ scope: "all" });
  bench.subscriber.start([
    ["route", at("1", route("240.1.2.3:80"))],
    ["route", at("1", route("a.default:80"))],
  ]);
  expect(bench.asked().at(-1)).toBe("+route 240.1.2.3:80");
});

describe("with the scope `all`", () => {
  let bench: SubscriberBench;
  beforeEach(() => {
    bench = new SubscriberBench({ scope: "all" });
    bench.subscriber.start();
    bench.asked();
  });

  /** In the order in which the control plane sends it, with a turn in between that a busy machine makes a long one. */
  const arrive = async () => {
    void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
    void bench.receive("endpoints", [at("1", endpoints("a.default:80"))]);
    void bench.receive("listener", [at("1", INBOUND), at("1", OUTBOUND)]);
    await bench.confirm();
    expect(bench.taken().flat()).not.toContain("route-removed a.default:80");
    void bench.receive("route", [at("1", route("a.default:80", "a.default:80"))]);
    void bench.receive("policy", [at("1", OPEN)]);
    await bench.confirm();
  };

  it("asks for routes by automatic addresses, and for no others", async () => {
    await arrive();
    bench.taken();
    bench.subscriber.loopSubscribed(0, ["240.1.2.3:80", "10.0.0.1:80", "[2001:db8::1]:80", "no.default"]);
    expect(bench.asked()).toEqual(["+route 240.1.2.3:80"]);
    await bench.confirm();
    expect(bench.taken().flat().sort()).toEqual([
      "route-removed 10.0.0.1:80",
      "route-removed [2001:db8::1]:80",
      "route-removed no.default",
    ]);
    void bench.receive("route", [], ["240.1.2.3:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["route-removed 240.1.2.3:80"]]);
  });

  it("says of no route that it does not exist before all have come", async () => {
    bench.subscriber.loopSubscribed(0, ["a.default:80", "10.0.0.1:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([]);
    await arrive();
    const sent = bench.taken().flat();
    expect(sent).toContain("route a.default:80");
    expect(sent).toContain("route-removed 10.0.0.1:80");
    expect(sent).not.toContain("route-removed a.default:80");
  });
});
