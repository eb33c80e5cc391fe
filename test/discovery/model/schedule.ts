/**
 * What waits to happen, in lanes: in each of them things happen in order, between them in any. There is no clock, so whatever two
 * machines, two threads or a timer may do to each other is some choice of lanes.
 */
import type { OpenTransport } from "../../../src/discovery/client.ts";
import type { DiscoveryServer } from "../../../src/discovery/server.ts";

export type Lane = (() => void)[];

/** What is on its way is lost, or still arrives, before the end of the stream is noticed. */
export interface Loss {
  readonly up: boolean;
  readonly down: boolean;
}

export class Schedule {
  readonly #lanes: Lane[] = [];

  lane(): Lane {
    const lane: Lane = [];
    this.#lanes.push(lane);
    return lane;
  }

  /** One thing happens; which, says `at`. False: nothing is left. */
  step(at: number): boolean {
    const waiting = this.#lanes.filter(({ length }) => length > 0);
    const run = waiting[at % Math.max(1, waiting.length)]?.shift();
    run?.();
    return run !== undefined;
  }
}

/** Streams to a control plane, over two lanes each; each end notices on its own that a stream has been cut. */
export class Network {
  server: DiscoveryServer;
  resourcesSent = 0;
  readonly #schedule: Schedule;
  #cut: (loss: Loss) => void = () => {};

  constructor(schedule: Schedule, server: DiscoveryServer) {
    this.#schedule = schedule;
    this.server = server;
  }

  cut(loss: Loss): void {
    this.#cut(loss);
  }

  readonly open: OpenTransport = (handlers) => {
    const [up, down] = [this.#schedule.lane(), this.#schedule.lane()];
    let isUp = true;
    const cut = (loss: Loss): void => {
      if (!isUp) return;
      isUp = false;
      if (loss.up) up.length = 0;
      if (loss.down) down.length = 0;
      up.push(() => stream.ended("cut"));
      down.push(() => handlers.onClosed("cut"));
    };
    const stream = this.server.open(
      (message) => {
        if (!isUp) return;
        if (message.kind === "discovery") this.resourcesSent += message.response.resources.length;
        down.push(() => handlers.onMessage(message));
      },
      () => cut({ up: false, down: false }),
    );
    this.#cut = cut;
    down.push(() => handlers.onOpen());
    return {
      send: (message) => void (isUp && up.push(() => stream.receive(message))),
      close: () => cut({ up: false, down: false }),
    };
  };
}
