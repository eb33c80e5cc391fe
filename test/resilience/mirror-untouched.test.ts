/** The real response does not know that it is compared: the client's bytes are the same, memory is bounded; over real sockets. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { COMPARISON_TIMEOUT_MS, MAX_COMPARISONS } from "../../src/proxy/request/comparisons.ts";
import { rawOrigin } from "../harness/raw.ts";
import { mirrored } from "./mirrored.ts";
import { chunked, ok, raw, raws, requestsIn, write } from "./raw-answers.ts";
import { GET, origin, shop } from "./shop.ts";

const JSON_BODY = { body: "json", headers: ["x-a"] };

it("64 at once, and 16 MiB: more are mirrored without being compared, until the control thread has taken some", async () => {
  const [real, copy] = [await origin(), await origin()];
  const skipped = "weft_mirror_comparisons_skipped_total";
  const made = await mirrored([real.port], [copy.port], { comparison: JSON_BODY });
  made.isTaken = false;
  for (let i = 0; i < MAX_COMPARISONS + 3; i++) expect((await made.ask(GET)).status).toBe(200);
  await made.pass(50);
  expect([made.samples.length, made.sidecar.read(skipped), copy.seen.length]).toEqual([
    MAX_COMPARISONS,
    3,
    MAX_COMPARISONS + 3,
  ]);
  made.sidecar.outbound.loop.comparisons.taken(2 * 65_536);
  await made.ask(GET);
  await made.pass(50);
  expect([made.samples.length, made.sidecar.read(skipped)]).toEqual([MAX_COMPARISONS + 1, 3]);

  const large = await mirrored([real.port], [copy.port], {
    comparison: { body: "json", maxBodyBytes: 1_048_576 },
  });
  large.isTaken = false;
  for (let i = 0; i < 10; i++) await large.ask(GET);
  await large.pass(50);
  expect([large.samples.length, large.sidecar.read(skipped)]).toEqual([8, 2]);
});

it("chunks split at every byte are the same body", async () => {
  const text = '{"a":[1,2,3],"b":"xyz"}';
  const bytes = chunked(...text).replace("\r\n0\r\n\r\n", "\r\n0;ext=1\r\nx-trailer: 1\r\n\r\n");
  for (const step of [1, 2, 3, 7]) {
    const parts = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
      bytes.slice(i * step, (i + 1) * step),
    );
    const real = await raw(() => parts);
    const made = await mirrored([real.port], [(await raw(() => parts)).port], { comparison: JSON_BODY });
    const client = made.send(GET);
    await expect.poll(() => made.samples.length).toBe(1);
    const [sample] = made.samples;
    if (sample?.kind !== "both") return expect.fail();
    for (const { body } of [sample.real, sample.mirror])
      expect(Buffer.from(body ?? []).toString()).toBe(text);
    await expect.poll(() => client.received()).toMatch(/\r\n0\r\n.*\r\n\r\n$/s);
    client.socket.destroy();
  }
});

it("the client's bytes are those without mirroring, whatever the mirror does", async () => {
  let answers: readonly (readonly string[])[] = [];
  let mirror: readonly string[] | null = null;
  let isMirrorClosing = false;
  let n = 0;
  const real = await raw(() => answers[n++ % answers.length] ?? []);
  const copy = await rawOrigin((seen, socket) => {
    if (isMirrorClosing) socket.resetAndDestroy();
    else if (requestsIn(seen) > 0 && mirror !== null) void write(socket, mirror, false);
  });
  raws.push(copy);
  const plain = await shop([real.port], { retry: { attempts: 0 } });
  const watched = await mirrored([real.port], [copy.port], {
    comparison: { ...JSON_BODY, maxBodyBytes: 2_000 },
    policy: { retry: { attempts: 0 } },
  });

  const body = fc.oneof(
    fc.json(),
    fc.nat(5_000).map((length) => "x".repeat(length)),
  );
  const response = fc
    .tuple(
      body,
      fc.boolean(),
      fc.constantFrom("200 OK", "404 Not Found", "500 Oops"),
      fc.array(fc.nat(400), { maxLength: 5 }),
    )
    .map(([text, isChunked, status, cuts]) => {
      const latin1 = Buffer.from(text).toString("latin1");
      const whole = (
        isChunked
          ? latin1 === ""
            ? chunked()
            : chunked(latin1.slice(0, 9), ...(latin1.length > 9 ? [latin1.slice(9)] : []))
          : ok(latin1)
      ).replace("200 OK", status);
      const at = [
        0,
        ...cuts.filter((cut) => cut > 0 && cut < whole.length).sort((a, b) => a - b),
        whole.length,
      ];
      return at.slice(1).map((end, i) => whole.slice(at[i], end));
    });
  const mirroring = fc.oneof(
    response.map((parts) => ({ parts, isClosing: false })),
    fc.constantFrom(
      { parts: null, isClosing: true },
      { parts: null, isClosing: false },
      { parts: ["garbage\r\n\r\n"], isClosing: false },
      { parts: ["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"], isClosing: false },
      { parts: [ok("y".repeat(100_000))], isClosing: false },
      { parts: [ok("{"), ok("unasked")], isClosing: false },
    ),
  );
  const request = fc.oneof(
    fc.constant("GET /x HTTP/1.1\r\nHost: shop\r\n"),
    fc
      .nat(3_000)
      .map(
        (length) => `POST /x HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n|${"b".repeat(length)}`,
      ),
  );
  const requests = fc.array(request, { minLength: 1, maxLength: 4 });

  await fc.assert(
    fc.asyncProperty(
      requests,
      fc.array(response, { minLength: 1, maxLength: 3 }),
      mirroring,
      async (heads, all, how) => {
        const text = heads
          .map((head, i) => {
            const [fields, content = ""] = head.split("|");
            return `${fields}${i === heads.length - 1 ? "Connection: close\r\n" : ""}\r\n${content}`;
          })
          .join("");
        answers = all;
        mirror = how.parts;
        isMirrorClosing = how.isClosing;
        const seen: string[] = [];
        for (const one of [plain, watched]) {
          n = 0;
          const client = one.send(text);
          await expect.poll(() => client.isClosed(), { interval: 1, timeout: 5_000 }).toBe(true);
          seen.push(client.received());
        }
        expect(seen[1]).toBe(seen[0]);
        expect(seen[0]?.split("HTTP/1.1 ").length).toBeGreaterThan(heads.length);
        // What hangs makes room for the next.
        watched.sidecar.advance(COMPARISON_TIMEOUT_MS + 1_000);
        watched.samples.length = 0;
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);
