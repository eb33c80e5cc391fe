import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { HeldPorts, isFree } from "./ports.ts";

const HOST = "127.0.0.1";
const ports = new HeldPorts();
afterEach(() => ports.releaseAll());

describe("held ports", () => {
  it("are ours until released, and below the system's own range", async () => {
    const port = await ports.hold(HOST);
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_768);
    expect(await isFree(HOST, port)).toBe(false);
    await ports.release(HOST, [port]);
    expect(await isFree(HOST, port)).toBe(true);
  });

  it("are all different", async () => {
    const held = await Promise.all(Array.from({ length: 50 }, () => ports.hold(HOST)));
    expect(new Set(held).size).toBe(50);
  });

  it("leave out what others have", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, HOST, resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await isFree(HOST, port)).toBe(false);
    await new Promise((resolve) => other.close(resolve));
  });
});
