import { describe, expect, it } from "vitest";
import { applicationEnvironment, cleanEnvironment } from "./environment.ts";

const application = {
  workload: "default/web",
  host: "127.0.0.1",
  ports: { http: 21_000, admin: 21_001 },
  proxy: "http://127.0.0.1:22000",
  services: [
    { name: "stock-eu", ports: [{ port: 80 }, { port: 81 }] },
    { name: "reviews", ports: [{ port: 8080 }] },
    { name: "empty", ports: [] },
  ],
  own: { VERSION: "v2" },
};

describe("an application's environment", () => {
  const surroundings = {
    PATH: "/bin",
    PORT: "8080",
    HOST: "example.com",
    HTTPS_PROXY: "http://corporate:3128",
  };
  const env = applicationEnvironment(surroundings, application);

  it("names its ports and its sidecar", () => {
    expect(env).toMatchObject({
      PATH: "/bin",
      PORT: "21000",
      PORT_HTTP: "21000",
      PORT_ADMIN: "21001",
      HOST: "127.0.0.1",
      http_proxy: "http://127.0.0.1:22000",
      HTTP_PROXY: "http://127.0.0.1:22000",
      NODE_USE_ENV_PROXY: "1",
      WEFT_WORKLOAD: "default/web",
      VERSION: "v2",
    });
  });

  it("has a URL for each service, by its name", () => {
    expect(env).toMatchObject({
      STOCK_EU_URL: "http://stock-eu",
      STOCK_EU_SERVICE_HOST: "stock-eu",
      STOCK_EU_SERVICE_PORT: "80",
      REVIEWS_URL: "http://reviews:8080",
    });
    expect(Object.keys(env).filter((name) => name.startsWith("EMPTY"))).toEqual([]);
  });

  it("lets the workload's own variables win", () => {
    const own = { http_proxy: "", PORT: "1" };
    expect(applicationEnvironment({}, { ...application, own })).toMatchObject(own);
  });

  it("leaks no proxy of the surrounding shell", () => {
    const proxies = [
      "http_proxy",
      "HTTPS_PROXY",
      "ALL_PROXY",
      "no_proxy",
      "npm_config_https_proxy",
      "ftp_proxy",
    ];
    const surrounding = Object.fromEntries(proxies.map((name) => [name, "http://corporate:3128"]));
    expect(
      cleanEnvironment({ ...surrounding, WEFT_API: "x", NODE_USE_ENV_PROXY: "1", HOME: "/root" }),
    ).toEqual({
      HOME: "/root",
    });
    expect(Object.values(applicationEnvironment(surrounding, application))).not.toContain(
      "http://corporate:3128",
    );
  });
});
