/**
 * Outlier detection (Envoy's): an endpoint that fails is left out for a while, a longer one each time. Of a few endpoints one may
 * always go, which in Envoy ten percent of them never allows; the last that is left never goes.
 */
import type { OutlierSettings } from "../../discovery/resilience.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { Random } from "./balancer.ts";
import { lowestRate } from "./success-rate.ts";

export const OUTLIER_DEFAULTS = {
  consecutive5xx: 5,
  consecutiveGatewayErrors: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
} as const satisfies OutlierSettings;

export const SUCCESS_RATE_DEFAULTS = { minimumHosts: 5, requestVolume: 100, deviations: 1.9 } as const;
export const FAILURE_PERCENTAGE_DEFAULTS = { threshold: 85, minimumHosts: 5, requestVolume: 50 } as const;
/** Endpoints from which on one may be ejected whatever the percentage says. */
const ALWAYS_ONE_OF = 3;
/** Share of an ejection that is added at random, so that those who went together do not come back together. */
const JITTER = 0.1;

export type Detector = "consecutive_5xx" | "consecutive_gateway" | "success_rate" | "failure_percentage";

/** What is known of an endpoint's failures. */
export class OutlierRecord {
  consecutive5xx = 0;
  consecutiveGateway = 0;
  /** Of the interval that runs. */
  requests = 0;
  successes = 0;
  /** How many times the base its next ejection lasts, less one; goes down with each interval in which all is well. */
  ejections = 0;
  /** 0: it is not ejected. */
  ejectedUntil = 0;
}

export interface Ejectable {
  readonly outlier: OutlierRecord;
  /** Not left out for any reason. */
  readonly isHealthy: boolean;
  /** 0: takes nothing, and can stand in for nobody. */
  readonly configuredWeight: number;
}

export interface OutlierContext<H extends Ejectable> {
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly hosts: () => readonly H[];
  /** Some have gone or come back. */
  readonly onChange: (host: H) => void;
  readonly onEjected: (host: H, detector: Detector) => void;
  readonly onReturned: (host: H) => void;
  /** It should have gone, and too many have. */
  readonly onRefused: (host: H, detector: Detector) => void;
}

export class OutlierDetection<H extends Ejectable> extends Timed {
  settings: OutlierSettings;
  readonly #context: OutlierContext<H>;
  #intervalEnds = 0;

  constructor(settings: OutlierSettings, context: OutlierContext<H>) {
    super();
    this.settings = settings;
    this.#context = context;
    const now = context.wheel.now();
    this.#intervalEnds = now + this.#of("intervalMs");
    context.wheel.set(this, this.#intervalEnds);
  }

  /** An answer, or what stands for none: 503 for a connection that failed, 504 for a timeout (Envoy's mapping). */
  observe(host: H, status: number): void {
    const record = host.outlier;
    record.requests++;
    if (status < 500) {
      record.successes++;
      record.consecutive5xx = 0;
      record.consecutiveGateway = 0;
      return;
    }
    record.consecutive5xx++;
    if (status >= 502 && status <= 504) record.consecutiveGateway++;
    else record.consecutiveGateway = 0;
    if (record.ejectedUntil !== 0) return;
    const gateway = this.#of("consecutiveGatewayErrors");
    const any = this.#of("consecutive5xx");
    if (gateway > 0 && record.consecutiveGateway >= gateway) this.#eject(host, "consecutive_gateway");
    else if (any > 0 && record.consecutive5xx >= any) this.#eject(host, "consecutive_5xx");
  }

  /** It may come back before its time: an active check has passed. */
  forgive(host: H): void {
    if (host.outlier.ejectedUntil === 0) return;
    restore(host);
    this.#context.onReturned(host);
    this.#context.onChange(host);
  }

  /** Others have gone, or fail their checks: when nobody is left, those who were left out for the others' sake come back. */
  hostsChanged(): void {
    const hosts = this.#context.hosts();
    if (hosts.some((host) => host.isHealthy && host.configuredWeight > 0)) return;
    for (const host of hosts) this.forgive(host);
  }

  stop(): void {
    this.#context.wheel.remove(this);
    for (const host of this.#context.hosts()) this.forgive(host);
  }

  override onDeadline(now: number): void {
    const hosts = this.#context.hosts();
    for (const host of hosts) {
      const { ejectedUntil } = host.outlier;
      if (ejectedUntil !== 0 && ejectedUntil <= now) this.forgive(host);
    }
    if (now >= this.#intervalEnds) {
      this.#judge(hosts);
      this.#intervalEnds = now + this.#of("intervalMs");
    }
    this.#arm();
  }

  #arm(): void {
    let at = this.#intervalEnds;
    for (const { outlier } of this.#context.hosts()) {
      if (outlier.ejectedUntil !== 0 && outlier.ejectedUntil < at) at = outlier.ejectedUntil;
    }
    this.#context.wheel.set(this, at);
  }

  /** The interval has ended: rates are compared, and each begins anew. */
  #judge(hosts: readonly H[]): void {
    const { successRate, failurePercentage } = this.settings;
    if (successRate !== undefined) {
      const { minimumHosts, requestVolume, deviations } = { ...SUCCESS_RATE_DEFAULTS, ...successRate };
      const judged = this.#withVolume(hosts, requestVolume);
      if (judged.length >= minimumHosts) {
        const least = lowestRate(judged.map(rateOf), deviations);
        for (const host of judged) if (rateOf(host) < least) this.#eject(host, "success_rate");
      }
    }
    if (failurePercentage !== undefined) {
      const { threshold, minimumHosts, requestVolume } = {
        ...FAILURE_PERCENTAGE_DEFAULTS,
        ...failurePercentage,
      };
      const judged = this.#withVolume(hosts, requestVolume);
      if (judged.length >= minimumHosts) {
        for (const host of judged)
          if (100 * (1 - rateOf(host)) >= threshold) this.#eject(host, "failure_percentage");
      }
    }
    for (const { outlier } of hosts) {
      if (outlier.ejectedUntil === 0 && outlier.ejections > 0 && outlier.requests === outlier.successes)
        outlier.ejections--;
      outlier.requests = 0;
      outlier.successes = 0;
    }
  }

  #withVolume(hosts: readonly H[], volume: number): readonly H[] {
    return hosts.filter(({ outlier }) => outlier.ejectedUntil === 0 && outlier.requests >= volume);
  }

  #eject(host: H, detector: Detector): void {
    const { outlier } = host;
    if (outlier.ejectedUntil !== 0) return;
    if (!this.#mayEject(host)) {
      this.#context.onRefused(host, detector);
      return;
    }
    const base = this.#of("baseEjectionMs");
    const most = Math.max(this.#of("maxEjectionMs"), base);
    if (base * outlier.ejections < most) outlier.ejections++;
    const ms = Math.min(base * outlier.ejections, most);
    outlier.ejectedUntil = this.#context.wheel.now() + ms * (1 + JITTER * this.#context.random());
    this.#context.onEjected(host, detector);
    this.#context.onChange(host);
    this.#arm();
  }

  #mayEject(host: H): boolean {
    const hosts = this.#context.hosts();
    let ejected = 0;
    let left = 0;
    for (const other of hosts) {
      if (other.outlier.ejectedUntil !== 0) ejected++;
      if (other !== host && other.isHealthy && other.configuredWeight > 0) left++;
    }
    if (left === 0) return false;
    if (ejected === 0 && hosts.length >= ALWAYS_ONE_OF) return true;
    return (100 * (ejected + 1)) / hosts.length <= this.#of("maxEjectionPercent");
  }

  #of(name: keyof typeof OUTLIER_DEFAULTS): number {
    return this.settings[name] ?? OUTLIER_DEFAULTS[name];
  }
}

function rateOf({ outlier }: Ejectable): number {
  return outlier.successes / outlier.requests;
}

function restore({ outlier }: Ejectable): void {
  outlier.ejectedUntil = 0;
  outlier.consecutive5xx = 0;
  outlier.consecutiveGateway = 0;
  outlier.requests = 0;
  outlier.successes = 0;
}
