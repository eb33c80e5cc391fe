/**
 * Which traffic loops use which routes. Every loop gets every route, but each counts idleness for itself: a route
 * may be dropped only when all loops that hold it have said that they have not used it for long.
 */
export class RouteUse {
  readonly #askers = new Map<string, Set<number>>();
  readonly #idle = new Map<string, Set<number>>();

  /** A loop uses the route, or wants to. */
  asked(route: string, loop: number): void {
    this.#idle.get(route)?.delete(loop);
    const askers = this.#askers.get(route);
    if (askers !== undefined) askers.add(loop);
    else this.#askers.set(route, new Set([loop]));
  }

  /**
   * A loop has not used the route for long. True when nobody has: at least `holders` loops, and all that asked.
   * The route is forgotten then.
   */
  idle(route: string, loop: number, holders: number): boolean {
    const idle = this.#idle.get(route) ?? new Set<number>();
    this.#idle.set(route, idle.add(loop));
    const askers = this.#askers.get(route) ?? [];
    if (idle.size < holders || [...askers].some((asker) => !idle.has(asker))) return false;
    this.#idle.delete(route);
    this.#askers.delete(route);
    return true;
  }
}
