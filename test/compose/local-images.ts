/**
 * Images made of this machine's own files, where no registry can be reached: what stands in for `debian` and for `node` under the
 * real Dockerfile. Programs come with the libraries that the loader names for them.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findProgram } from "../harness/requires.ts";

const SHELL = [
  "sh",
  "env",
  "ls",
  "mkdir",
  "chown",
  "chmod",
  "ln",
  "rm",
  "sleep",
  "readlink",
  "dirname",
  "cat",
  "id",
];
const NETWORK = ["ip", "nft", "setpriv"];
const IPTABLES = ["iptables", "ip6tables"].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);
/** Loaded by name at run time, so that no program names them; those that are there. */
const BY_NAME = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/nsswitch.conf",
  "/etc/protocols",
  "/etc/services",
];
const USERS = "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n";
const GROUPS = "root:x:0:\nnode:x:1000:\n";

/** As debian:…-slim, with the tools of netfilter: a tar archive. */
export function baseImage(): Buffer {
  return archive((root) => putBase(root));
}

/** As node:…-slim: Node and npm on top of that. */
export function nodeImage(): Buffer {
  return archive((root) => {
    putBase(root);
    putPrograms(root, ["find"]);
    const bin = join(root, "usr/local/bin");
    const modules = join(root, "usr/local/lib/node_modules");
    mkdirSync(bin, { recursive: true });
    copyFileSync(process.execPath, join(bin, "node"));
    cpSync(join(realpathSync(programPath("npm")), "../.."), join(modules, "npm"), { recursive: true });
    symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(bin, "npm"));
  });
}

function archive(fill: (root: string) => void): Buffer {
  const root = mkdtempSync(join(tmpdir(), "weft-image-"));
  try {
    fill(root);
    const tar = ["--create", "--owner=0", "--group=0", "--directory", root, "."];
    return execFileSync("tar", tar, { maxBuffer: 1_024 ** 3 });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function putBase(root: string): void {
  // Debian's /bin and /lib are links into /usr.
  for (const name of readdirSync("/")) {
    if (!lstatSync(join("/", name)).isSymbolicLink() || !/^(?:s?bin|lib\d*)$/.test(name)) continue;
    const target = readlinkSync(join("/", name));
    mkdirSync(join(root, target), { recursive: true });
    symlinkSync(target, join(root, name));
  }
  putPrograms(root, [...SHELL, ...NETWORK, ...IPTABLES]);
  for (const library of librariesOf(process.execPath)) put(root, library);
  for (const path of [...BY_NAME, ...extensions()]) if (existsSync(path)) put(root, path);
  for (const folder of ["tmp", "root", "usr/local/bin"]) mkdirSync(join(root, folder), { recursive: true });
  execFileSync("chmod", ["1777", join(root, "tmp")]);
  writeFileSync(join(root, "etc/passwd"), USERS);
  writeFileSync(join(root, "etc/group"), GROUPS);
}

function putPrograms(root: string, names: readonly string[]): void {
  for (const path of names.map(programPath)) {
    put(root, path);
    for (const library of librariesOf(path)) put(root, library);
  }
}

/** iptables' own, and those of the C library for names. */
function extensions(): readonly string[] {
  const folders = readdirSync("/usr/lib").map((name) => join("/usr/lib", name));
  const xtables = folders.map((folder) => join(folder, "xtables")).filter((path) => existsSync(path));
  const names = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];
  return [
    ...xtables.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))),
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
}

/** At the same place, links followed: a program that goes by several names finds out by which it was called. */
function put(root: string, path: string): void {
  const target = join(root, path);
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(path, target);
}

function librariesOf(program: string): readonly string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

function programPath(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`there is no ${name} on this machine`);
  return path;
}
