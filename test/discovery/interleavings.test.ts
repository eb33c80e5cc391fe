/**
 * The discovery protocol under every interleaving that a seed can find: both ends are the real ones, down to the traffic loops'
 * tables, and messages, confirmations, timers and losses come in any order. Once everything has arrived the sidecar has what the mesh
 * has, the control plane knows so, and what changes next arrives, too.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { runs } from "../harness/runs.ts";
import { findings } from "./model/convergence.ts";
import { type Edit, HOSTS, NAMES, ROUTES, USED_TYPES } from "./model/mesh.ts";
import { type Beginning, World } from "./model/world.ts";

type Action = (world: World) => void;

const bool = fc.boolean();
const loop = fc.nat(1);
const route = fc.constantFrom(...ROUTES);
const edit: fc.Arbitrary<Edit> = fc
  .record({
    type: fc.constantFrom(...USED_TYPES, "route" as const),
    at: fc.nat(2),
    content: fc.option(fc.nat(7), { freq: 5 }),
    isBad: fc.nat(5).map((odds) => odds === 0),
  })
  .map(({ type, at, content, isBad }) => {
    const name = NAMES[type][at % NAMES[type].length] ?? "";
    // Few contents, so that what was comes back; a route's says what it names.
    return { type, name, content: content === null || type === "route" ? content : content % 2, isBad };
  });
const good = edit.map((one) => ({ ...one, isBad: false }));
const beginning: fc.Arbitrary<Beginning> = fc.record({
  scope: fc.constantFrom("lazy" as const, "lazy" as const, "all" as const),
  mesh: fc.array(edit, { maxLength: 12 }),
  left: fc.array(
    good.filter(({ content }) => content !== null),
    { maxLength: 6 },
  ),
});
const loss = fc.record({ up: bool, down: bool });

function action<T>(
  weight: number,
  name: string,
  what: fc.Arbitrary<T>,
  act: (world: World, what: T) => void,
): { readonly weight: number; readonly arbitrary: fc.Arbitrary<Action> } {
  const arbitrary = what.map((value): Action => {
    const text = `${name} ${JSON.stringify(value)}`;
    return Object.assign((world: World) => act(world, value), { [fc.toStringMethod]: () => text });
  });
  return { weight, arbitrary };
}

const actions = fc.array(
  fc.tuple(
    fc.oneof(
      action(20, "step", fc.nat(9), (world, at) => void world.step(at)),
      action(6, "edit", fc.array(edit, { minLength: 1, maxLength: 3 }), (world, edits) => world.edit(edits)),
      action(6, "request", fc.tuple(loop, route), (world, [at, name]) => world.request(at, name)),
      action(1, "give up", fc.tuple(loop, route), (world, [at, name]) => world.loops[at]?.giveUp(name)),
      action(3, "sweep", loop, (world, at) => world.sweep(at)),
      action(2, "resolve", fc.constantFrom(...HOSTS), (world, name) => world.resolve(name)),
      action(1, "sweep names", fc.constant(0), (world) => world.sweepNames()),
      action(1, "leave names", fc.constant(0), (world) => world.leaveNames()),
      action(1, "cut", loss, (world, lost) => world.cut(lost)),
      action(1, "restart", loss, (world, lost) => world.restart(lost)),
      action(2, "ready", fc.constant(0), (world) => world.server.ready()),
    ),
    // How far promises get before the next one.
    fc.constantFrom(0, 1, 3, 20),
  ),
  { maxLength: 120, size: "max" },
);

/** All names, as they are to be. */
function everything(content: (type: keyof typeof NAMES, at: number) => Edit["content"]): Edit[] {
  return USED_TYPES.flatMap((type) =>
    NAMES[type].map((name, at) => ({ type, name, content: content(type, at), isBad: false })),
  );
}

async function expectRest(world: World, when: string): Promise<void> {
  await world.rest();
  expect(findings(world), when).toEqual([]);
}

it("whatever happens in whatever order, it comes to rest with what the mesh has", async () => {
  await fc.assert(
    fc.asyncProperty(beginning, actions, async (begin, steps) => {
      const world = new World(begin);
      for (const [act, ticks] of steps) {
        act(world);
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      }
      await expectRest(world, "after what happened");

      const isBad = (one: Edit) => world.mesh.isBad(one.type, one.name);
      world.edit(everything(() => 1).filter(isBad));
      await expectRest(world, "when what was refused is mended");

      world.edit(everything((type, at) => (type === "route" ? 7 - at : 8)));
      for (const name of ROUTES) for (const at of world.loops.keys()) world.request(at, name);
      for (const name of HOSTS) world.resolve(name);
      await expectRest(world, "when everything has changed");
      expect(world.server.sidecars()[0]?.change).toBe(world.change);

      const { resourcesSent } = world;
      world.restart({ up: true, down: true });
      await expectRest(world, "when the control plane is another one");
      expect(world.resourcesSent - resourcesSent, "of what is held").toBe(0);

      for (const at of [0, 1, 0, 1]) {
        world.sweep(at);
        world.sweepNames();
      }
      await expectRest(world, "when nothing is used any more");
      if (world.scope === "lazy") expect(world.loops.map(({ routes }) => routes.size)).toEqual([0, 0]);
    }),
    runs(500),
  );
});
