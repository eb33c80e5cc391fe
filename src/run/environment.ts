/** What a program that `weft run` starts gets in its environment. */
import { cleanEnvironment, proxyEnvironment } from "../local/environment.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface ProgramEnvironment {
  /** With its namespace. */
  readonly workload: string;
  /** Where it listens; absent: nowhere. */
  readonly port?: number;
  /** URL of the sidecar's outbound listener; absent: its connections are intercepted. */
  readonly proxy?: string;
}

/** The surrounding environment without settings of Weft, which hold the join token; proxies are replaced where there is one. */
export function programEnvironment(surrounding: Env, program: ProgramEnvironment): Record<string, string> {
  const { workload, port, proxy } = program;
  return {
    ...cleanEnvironment(surrounding),
    ...(proxy === undefined ? {} : proxyEnvironment(proxy)),
    ...(port === undefined ? {} : { PORT: String(port), HOST: "127.0.0.1" }),
    WEFT_WORKLOAD: workload,
  };
}

/** That of the sidecar: what is meant for the program's own Node does not concern it. */
export function sidecarEnvironment(surrounding: Env): Record<string, string> {
  const { NODE_OPTIONS: _, ...clean } = cleanEnvironment(surrounding);
  return clean;
}
