/**
 * The control plane's own metrics (docs/reference/metrics.md): what happens is counted as it happens, what is the case is
 * read when Prometheus asks.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type DiscoveryObserver, NO_OBSERVER } from "../discovery/observer.ts";
import { KINDS } from "../resources/resource.ts";
import type { AuditEvent } from "./ca/audit.ts";
import type { PlaneIdentity } from "./identity.ts";
import type { Plane } from "./plane.ts";

const SIDECAR_STATES = ["synced", "stale", "rejected", "disconnected"] as const;
/** What is measured is the time between two ticks of a timer with this interval. */
const RESOLUTION_MS = 10;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class PlaneMetrics {
  readonly registry = new Registry();
  readonly #pushes = this.#counter("pushes_total", "Responses written to sidecars.", ["type"]);
  readonly #bytes = this.#counter("push_bytes_total", "Bytes of those responses.", ["type"]);
  readonly #acks = this.#counter("acks_total", "Resources that sidecars took.", ["type"]);
  readonly #nacks = this.#counter("nacks_total", "Resources that sidecars refused.", ["type"]);
  readonly #requests = this.#counter("api_requests_total", "Requests to the HTTP API.", ["method", "code"]);
  readonly #compile = this.#histogram("compile_duration_seconds", "Time of one compilation.");
  readonly #convergence = this.#histogram(
    "convergence_seconds",
    "From a change to its application by the last sidecar that it concerns.",
  );

  readonly #issued = this.#counter("certificates_total", "Certificates issued.", ["by"]);
  readonly #refused = this.#counter("enrolment_refusals_total", "Requests for a certificate refused.", [
    "reason",
  ]);

  readonly #reviews = this.#counter("webhook_reviews_total", "Reviews of pods, by what became of them.", [
    "verdict",
  ]);
  readonly #review = this.#histogram(
    "webhook_review_seconds",
    "Time that one review takes, once it is read.",
  );

  readonly reviewed = (verdict: string, seconds: number): void => {
    this.#reviews.inc({ verdict });
    this.#review.observe(seconds);
  };

  /** Of the CA. */
  readonly audited = (event: AuditEvent): void => {
    if (event.kind === "issued") this.#issued.inc({ by: event.by });
    else this.#refused.inc({ reason: event.reason });
  };

  /** Of the discovery streams. */
  readonly streams: DiscoveryObserver = {
    ...NO_OBSERVER,
    pushed: (type, bytes) => {
      this.#pushes.inc({ type });
      this.#bytes.inc({ type }, bytes);
    },
    answered: (_sidecar, type, taken, refused) => {
      this.#acks.inc({ type }, taken);
      this.#nacks.inc({ type }, refused.length);
    },
    settled: ({ state, concerned, elapsedMs }) => {
      if (state === "applied" && concerned > 0) this.#convergence.observe(elapsedMs / 1_000);
    },
  };

  readonly compiled = (ms: number): void => this.#compile.observe(ms / 1_000);

  readonly answeredRequest = (method: string, code: number): void =>
    this.#requests.inc({ method, code: String(code) });

  /** Adds what is read of `plane` and of the process at each scrape. */
  watch(plane: Plane, identity: PlaneIdentity | undefined): void {
    collectDefaultMetrics({ register: this.registry });
    this.#gauge("sidecars", "Sidecars by state.", ["state"], (gauge) => {
      const sidecars = plane.discovery.sidecars();
      for (const state of SIDECAR_STATES)
        gauge.set({ state }, sidecars.filter((sidecar) => sidecar.state === state).length);
    });
    this.#gauge("resources", "Resources of the last good state, by kind.", ["kind"], (gauge) => {
      for (const kind of KINDS)
        gauge.set({ kind }, plane.resources.filter((resource) => resource.kind === kind).length);
    });
    this.#gauge("change", "Number of the latest change of the desired state.", [], (gauge) =>
      gauge.set(plane.change),
    );
    this.#gauge(
      "source_broken",
      "1 while the files, or objects of the cluster, hold errors and their last good state is served.",
      [],
      (g) => g.set(plane.status.state === "broken" ? 1 : 0),
    );
    this.#gauge("source_unread_kinds", "Kinds that the cluster does not let be read now.", [], (g) =>
      g.set(plane.status.unread?.length ?? 0),
    );
    this.#gauge(
      "certificate_expiry_seconds",
      "End of the certificate that signs and of the trusted roots, Unix time.",
      ["kind", "fingerprint"],
      (gauge) => {
        gauge.reset();
        for (const { kind, fingerprint, notAfter } of identity?.authorities ?? [])
          gauge.set({ kind, fingerprint }, notAfter / 1_000);
      },
    );
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    this.#gauge(
      "event_loop_delay_seconds",
      "How late the event loop ran, since the last scrape.",
      ["quantile"],
      (gauge) => {
        for (const quantile of [50, 99, 100]) {
          const late = Math.max(0, delay.percentile(quantile) / 1e9 - RESOLUTION_MS / 1_000);
          gauge.set({ quantile: String(quantile / 100) }, late);
        }
        delay.reset();
      },
    );
  }

  #counter(name: string, help: string, labelNames: readonly string[]) {
    return new Counter({ name: `weft_control_plane_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string) {
    const registers = [this.registry];
    return new Histogram({ name: `weft_control_plane_${name}`, help, buckets: SECONDS, registers });
  }

  #gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (gauge: Gauge<string>) => void,
  ): void {
    const registers = [this.registry];
    const collect = function (this: Gauge<string>) {
      read(this);
    };
    new Gauge({ name: `weft_control_plane_${name}`, help, labelNames, registers, collect });
  }
}
