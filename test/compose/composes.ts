/** The programs that bring projects up in the tests: each is given the same file and the same arguments. */
import type { Need } from "../harness/requires.ts";

export interface Compose {
  readonly need: Need;
  /** What a command begins with. */
  readonly command: readonly [program: string, ...args: string[]];
}

export const COMPOSES: readonly Compose[] = [
  // The first one, in Python, which Debian has.
  { need: "docker-compose", command: ["docker-compose"] },
  // The second one, in Go, as its users have it: a plugin of `docker` (scripts/install-compose.sh).
  { need: "docker-compose-v2", command: ["docker", "compose"] },
];
