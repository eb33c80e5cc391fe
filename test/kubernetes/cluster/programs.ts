/**
 * The programs of a cluster: etcd, kube-apiserver, kube-controller-manager and kubectl, built from source by `build.ts`. They lie
 * outside of the repository, in a folder named after what they are built from, so that another version is another folder.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The Go module. */
export const SOURCE = join(import.meta.dirname, "programs");

export const PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] as const;
export type Program = (typeof PROGRAMS)[number];

/** Such as `1.36.3`. */
export function kubernetesVersion(): string {
  const version = /^\s*k8s\.io\/kubernetes v(\S+)/m.exec(sourceOf("go.mod"))?.[1];
  if (version === undefined) throw new Error("go.mod names no version of Kubernetes");
  return version;
}

/** Where the programs are, or would be. */
export function programsFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go", "../gateway-api.ts"]) hash.update(sourceOf(file));
  return join(cache, "weft", `kubernetes-${kubernetesVersion()}-${hash.digest("hex").slice(0, 12)}`);
}

export function arePrograms(): boolean {
  return PROGRAMS.every((name) => existsSync(programPath(name)));
}

export function programPath(name: Program): string {
  return join(programsFolder(), name);
}

/** For Go, which lies beside the path where its own installer puts it; it takes no other version of itself than is there. */
export function goEnvironment(): NodeJS.ProcessEnv {
  const path = [process.env["PATH"] ?? "", "/usr/local/go/bin"].join(delimiter);
  return { ...process.env, PATH: path, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off" };
}

function sourceOf(file: string): string {
  return readFileSync(join(SOURCE, file), "utf8");
}
