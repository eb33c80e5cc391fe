/** Where plaintext between the planes is taken: on this machine alone. */

/** Whether an address or name is this machine's own; a name other than `localhost` is not. */
export function isLoopback(host: string): boolean {
  return /^127\.(?:\d{1,3}\.){2}\d{1,3}$/.test(host) || host === "::1" || host === "localhost";
}
