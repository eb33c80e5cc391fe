/** No more endpoints are left out than may be, never the last that takes anything. */
import { OUTLIER_DEFAULTS } from "../../../src/proxy/clusters/outlier-detection.ts";
import type { Property, Say } from "../property.ts";
import type { World } from "../world.ts";

/** Of so many one may always go. */
const ALWAYS_ONE_OF = 3;

export class Ejections implements Property {
  readonly #world: World;
  readonly #say: Say;
  #ejected = 0;
  /** Most at once. */
  most = 0;

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
  }

  onStep(): void {
    const { endpoints, settings } = this.#world.cluster;
    let ejected = 0;
    let left = 0;
    for (const { outlier, isHealthy, configuredWeight } of endpoints) {
      if (outlier.ejectedUntil !== 0) ejected++;
      if (isHealthy && configuredWeight > 0) left++;
    }
    const before = this.#ejected;
    this.#ejected = ejected;
    if (ejected <= before) return;
    this.most = Math.max(this.most, ejected);
    const { maxEjectionPercent = OUTLIER_DEFAULTS.maxEjectionPercent } = settings.outlier ?? {};
    const least = endpoints.length >= ALWAYS_ONE_OF ? 1 : 0;
    const most = Math.max(least, Math.floor((maxEjectionPercent * endpoints.length) / 100));
    if (ejected > most) this.#say(`${ejected} of ${endpoints.length} endpoints are ejected`);
    if (left === 0) this.#say("the last endpoint was ejected");
  }
}
