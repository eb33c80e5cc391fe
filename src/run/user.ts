/** As whom the command of a transparent run runs: who called sudo, or whom `--user` names. */
import type { Shell } from "../intercept/shell.ts";
import { RunError } from "./settings.ts";

export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Absent: this number is no account of the machine. */
  readonly account?: { readonly name: string; readonly home: string };
}

/** `--user`, else SUDO_UID, else root. Throws a RunError where there is no such user. */
export function userOf(
  wish: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  shell: Shell,
): User {
  const name = wish ?? env["SUDO_UID"] ?? "0";
  const { stdout } = shell("getent", ["passwd", name]);
  const [login, , uid, gid, , home] = stdout.trim().split(":");
  if (login !== undefined && uid !== undefined && gid !== undefined && home !== undefined)
    return { uid: Number(uid), gid: Number(gid), account: { name: login, home } };
  if (!/^\d{1,10}$/.test(name)) throw new RunError(`there is no user "${name}"`);
  return { uid: Number(name), gid: Number(name) };
}

/** Becomes the user by `setpriv`, before a command; nothing for root. */
export function asUser({ uid, gid, account }: User, setpriv: string): readonly string[] {
  if (uid === 0) return [];
  const groups = account === undefined ? "--clear-groups" : "--init-groups";
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, groups, "--"];
}

/** What the user's environment says of the user. */
export function environmentOf({ account }: User): Record<string, string> {
  return account === undefined ? {} : { HOME: account.home, USER: account.name, LOGNAME: account.name };
}
