import { expect, it } from "vitest";
import { RouteUse } from "./route-use.ts";

it("drops a held route when all loops are idle, one without holders when its askers are", () => {
  const use = new RouteUse();
  use.asked("a", 0);
  expect(use.idle("a", 0, 2)).toBe(false);
  use.asked("a", 0);
  expect(use.idle("a", 1, 2)).toBe(false);
  expect(use.idle("a", 0, 2)).toBe(true);

  use.asked("b", 0);
  use.asked("b", 1);
  expect(use.idle("b", 0, 0)).toBe(false);
  expect(use.idle("b", 1, 0)).toBe(true);
});
