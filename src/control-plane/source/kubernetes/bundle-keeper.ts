/**
 * Keeps the mesh's trusted roots in a ConfigMap of every namespace, if this replica leads: what an injected sidecar mounts and
 * believes before it has ever spoken with anybody. Namespaces of Kubernetes itself get none. What was written is written again
 * now and then, since somebody may have removed it. A namespace in which nothing may be written (it is about to go, a quota is used up)
 * holds up no other.
 */
import { ApiError, type KubernetesApi } from "./api.ts";

export interface BundleOptions {
  readonly api: KubernetesApi;
  /** Names of the cluster's namespaces. */
  readonly namespaces: () => Iterable<string>;
  /** The roots, as PEM; undefined while there are none. */
  readonly read: () => string | undefined;
  readonly isLeader: () => boolean;
  readonly onError: (error: Error) => void;
  readonly lookMs?: number;
  readonly now?: () => number;
}

export const BUNDLE_NAME = "weft-trust-bundle";
const BUNDLE_KEY = "trust-bundle.pem";
const MANAGER = "fieldManager=weft-control-plane&force=true";
const LOOK_MS = 2_000;
const WRITES_PER_LOOK = 20;
const AGAIN_MS = 600_000;
/** How long a namespace is left alone that has refused. */
const REFUSED_MS = 30_000;
/** From here on it is the API server that is unwell. */
const SERVER_ERROR = 500;
const TOO_MANY_REQUESTS = 429;
const OF_KUBERNETES = /^kube-/;

export class BundleKeeper {
  readonly #options: BundleOptions;
  readonly #written = new Map<string, { readonly text: string; readonly at: number }>();
  readonly #refused = new Map<string, { readonly reason: string; readonly at: number }>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;

  constructor(options: BundleOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.lookMs ?? LOOK_MS).unref();
  }

  /** Writes what is to be written. Never rejects. */
  async look(): Promise<void> {
    const { isLeader, read, onError } = this.#options;
    const text = this.#isBusy || !isLeader() ? undefined : read();
    if (text === undefined) return;
    this.#isBusy = true;
    try {
      for (const namespace of this.#lacking(text)) {
        await this.#write(namespace, text).then(
          () => this.#wrote(namespace, text),
          (error: unknown) => this.#failed(namespace, error),
        );
      }
    } catch (error) {
      // What is left comes at the next look.
      onError(error instanceof Error ? error : new Error(String(error)));
    }
    this.#isBusy = false;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #lacking(text: string): readonly string[] {
    const all = new Set(this.#options.namespaces());
    for (const known of [this.#written, this.#refused])
      for (const namespace of known.keys()) if (!all.has(namespace)) known.delete(namespace);
    const now = this.#now();
    const isDue = (namespace: string) => {
      const refused = this.#refused.get(namespace);
      if (refused !== undefined && now - refused.at < REFUSED_MS) return false;
      const known = this.#written.get(namespace);
      return known?.text !== text || now - known.at > AGAIN_MS;
    };
    return [...all].filter((one) => !OF_KUBERNETES.test(one) && isDue(one)).slice(0, WRITES_PER_LOOK);
  }

  #wrote(namespace: string, text: string): void {
    this.#written.set(namespace, { text, at: this.#now() });
    this.#refused.delete(namespace);
  }

  /** Throws what is no matter of the namespace. */
  #failed(namespace: string, error: unknown): void {
    const isRefusal =
      error instanceof ApiError && error.status < SERVER_ERROR && error.status !== TOO_MANY_REQUESTS;
    if (!isRefusal) throw error;
    const reason = `namespace ${namespace}: ${error.message}`;
    if (this.#refused.get(namespace)?.reason !== reason) this.#options.onError(new Error(reason));
    this.#refused.set(namespace, { reason, at: this.#now() });
  }

  async #write(namespace: string, text: string): Promise<void> {
    await this.#options.api.send({
      method: "PATCH",
      path: `/api/v1/namespaces/${namespace}/configmaps/${BUNDLE_NAME}?${MANAGER}`,
      contentType: "application/apply-patch+yaml",
      body: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: BUNDLE_NAME, namespace },
        data: { [BUNDLE_KEY]: text },
      },
    });
  }
}
