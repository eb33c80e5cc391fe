import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { ApiError, ApiUnreachableError, apiClient } from "./api-client.ts";

let server: Server | undefined;
afterEach(
  () => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))),
);

async function serve(listener: RequestListener, timeoutMs = 5_000) {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return apiClient(`http://127.0.0.1:${port}/`, timeoutMs);
}

describe("the API's client", () => {
  it("sends JSON and reads JSON", async () => {
    const client = await serve((request, response) => {
      request.setEncoding("utf8");
      request.on("data", (body) =>
        response.end(JSON.stringify({ method: request.method, url: request.url, body })),
      );
    });
    expect(await client.call("POST", "/v1/apply", { a: 1 })).toEqual({
      method: "POST",
      url: "/v1/apply",
      body: '{"a":1}',
    });
    client.close();
  });

  it("turns an error's answer into an error with its issues", async () => {
    const issues = [{ file: "a.yaml", line: 3, column: 1, message: "no" }];
    const client = await serve((_request, response) => {
      response.statusCode = 422;
      response.end(JSON.stringify({ error: { code: "invalid", message: "1 issue" }, issues }));
    });
    const error = await client.call("POST", "/v1/apply", {}).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, code: "invalid", message: "1 issue", issues });
    client.close();
  });

  it("says so when the answer is no JSON", async () => {
    const client = await serve((_request, response) => response.end("<html>"));
    await expect(client.call("GET", "/")).rejects.toThrow("is this Weft's API?");
    client.close();
  });

  it("gives up in time", async () => {
    const client = await serve(() => {}, 50);
    await expect(client.call("GET", "/")).rejects.toThrow("no answer within 0.05 s");
    server?.closeAllConnections();
    client.close();
  });

  it("tells that nobody listens", async () => {
    const client = apiClient("http://127.0.0.1:1");
    const error = await client.call("GET", "/").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiUnreachableError);
    expect(error).toMatchObject({ code: "ECONNREFUSED", base: "http://127.0.0.1:1" });
    client.close();
  });
});
