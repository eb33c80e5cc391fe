/**
 * The environment that an application gets: the sidecar as its HTTP proxy, an address for each Service, and nothing of
 * the proxies that the surrounding shell may use, which would carry requests past the mesh.
 */

type Env = Readonly<Record<string, string | undefined>>;

/** A Service as applications of its namespace call it. */
export interface CallableService {
  readonly name: string;
  readonly ports: readonly { readonly port: number; readonly name?: string }[];
}

export interface ApplicationEnvironment {
  /** Name of the Workload, with its namespace. */
  readonly workload: string;
  /** Address to listen on. */
  readonly host: string;
  /** Ports to listen on, by name; the first is also `PORT`. */
  readonly ports: Readonly<Record<string, number>>;
  /** URL of the sidecar's outbound listener. */
  readonly proxy: string;
  /** Services of the workload's namespace. */
  readonly services: readonly CallableService[];
  /** What the Workload itself asks for; wins over everything else. */
  readonly own: Readonly<Record<string, string>>;
}

const PROXY_VARIABLE = /^(?:npm_config_)?(?:https?|all|ftp|ws|wss|no)_?proxy$/i;

/** The surrounding environment without its proxies and without settings of Weft. */
export function cleanEnvironment(surrounding: Env): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(surrounding)) {
    if (value === undefined || PROXY_VARIABLE.test(name)) continue;
    if (name.startsWith("WEFT_") || name === "NODE_USE_ENV_PROXY") continue;
    clean[name] = value;
  }
  return clean;
}

/** A sidecar as the proxy of a program, for clients that read the environment; loopback stays direct. */
export function proxyEnvironment(proxy: string): Record<string, string> {
  return {
    http_proxy: proxy,
    HTTP_PROXY: proxy,
    NODE_USE_ENV_PROXY: "1",
    no_proxy: "localhost,127.0.0.1,::1",
    NO_PROXY: "localhost,127.0.0.1,::1",
  };
}

/**
 * `PORT`, `HOST`, `http_proxy`, and for each Service `STOCK_URL=http://stock` besides the pair that Kubernetes sets,
 * `STOCK_SERVICE_HOST` and `STOCK_SERVICE_PORT`. Plain `http://` only: what an application encrypts itself is not ours
 * to route. Loopback stays direct, or an application could not reach its own helpers.
 */
export function applicationEnvironment(
  surrounding: Env,
  app: ApplicationEnvironment,
): Record<string, string> {
  const env: Record<string, string> = {
    ...cleanEnvironment(surrounding),
    WEFT_WORKLOAD: app.workload,
    HOST: app.host,
    ...proxyEnvironment(app.proxy),
  };
  const [main] = Object.values(app.ports);
  if (main !== undefined) env["PORT"] = String(main);
  for (const [name, port] of Object.entries(app.ports)) env[`PORT_${variableName(name)}`] = String(port);
  for (const service of app.services) {
    const [first] = service.ports;
    if (first === undefined) continue;
    const prefix = variableName(service.name);
    env[`${prefix}_URL`] =
      first.port === 80 ? `http://${service.name}` : `http://${service.name}:${first.port}`;
    env[`${prefix}_SERVICE_HOST`] = service.name;
    env[`${prefix}_SERVICE_PORT`] = String(first.port);
  }
  return { ...env, ...app.own };
}

/** `stock-eu` → `STOCK_EU`. */
function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}
