/** What watches a cluster's endpoints and its load, as far as its policy wants: comes, goes and changes with that; what it knows stays. */
import type { ClusterResilience } from "../../discovery/resilience.ts";
import type { TimerWheel } from "../net/timer-wheel.ts";
import { AdaptiveConcurrency } from "./adaptive-concurrency.ts";
import type { Random } from "./balancer.ts";
import type { ClusterStats } from "./cluster-stats.ts";
import type { Ejection } from "./ejection.ts";
import { type Ejectable, OutlierDetection } from "./outlier-detection.ts";

export interface DetectorsContext<H extends Ejectable> {
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly stats: ClusterStats;
  readonly hosts: () => readonly H[];
  /** Whether it is left out has changed. */
  readonly onChange: (host: H) => void;
  /** Null: it is back. */
  readonly tell: (host: H, out: Ejection["out"]) => void;
}

export class Detectors<H extends Ejectable> {
  outlier: OutlierDetection<H> | null = null;
  adaptive: AdaptiveConcurrency | null = null;
  readonly #context: DetectorsContext<H>;

  constructor(context: DetectorsContext<H>) {
    this.#context = context;
  }

  follow({ outlier, adaptiveConcurrency }: ClusterResilience): void {
    if (outlier === undefined) {
      this.outlier?.stop();
      this.outlier = null;
    } else if (this.outlier !== null) this.outlier.settings = outlier;
    else this.outlier = this.#outlierDetection(outlier);
    const { wheel, random, stats } = this.#context;
    if (adaptiveConcurrency === undefined) {
      this.adaptive?.stop();
      this.adaptive = null;
    } else if (this.adaptive !== null) this.adaptive.settings = adaptiveConcurrency;
    else {
      this.adaptive = new AdaptiveConcurrency(adaptiveConcurrency, wheel, random, (limit) =>
        stats.setConcurrencyLimit(limit),
      );
    }
  }

  #outlierDetection(settings: NonNullable<ClusterResilience["outlier"]>): OutlierDetection<H> {
    const { wheel, random, stats, hosts, onChange, tell } = this.#context;
    return new OutlierDetection<H>(settings, {
      wheel,
      random,
      hosts,
      onChange,
      onEjected: (host, detector) => {
        stats.count("weft_outlier_ejections_total", detector);
        tell(host, { detector, ms: host.outlier.ejectedUntil - wheel.now() });
      },
      onReturned: (host) => tell(host, null),
      onRefused: (_host, detector) => stats.count("weft_outlier_ejections_refused_total", detector),
    });
  }

  stop(): void {
    this.outlier?.stop();
    this.adaptive?.stop();
  }
}
