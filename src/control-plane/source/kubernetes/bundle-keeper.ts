/**
 * Keeps the mesh's trusted roots in a ConfigMap of every namespace, if this replica leads: what an injected sidecar mounts and
 * believes before it has ever spoken with anybody. Namespaces of Kubernetes itself get none. What was written is written again
 * now and then, since somebody may have removed it.
 */
import type { KubernetesApi } from "./api.ts";

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
const OF_KUBERNETES = /^kube-/;

export class BundleKeeper {
  readonly #options: BundleOptions;
  readonly #written = new Map<string, { readonly text: string; readonly at: number }>();
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
        await this.#write(namespace, text);
        this.#written.set(namespace, { text, at: this.#now() });
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
    for (const namespace of this.#written.keys()) if (!all.has(namespace)) this.#written.delete(namespace);
    const isOld = (namespace: string) => {
      const known = this.#written.get(namespace);
      return known?.text !== text || this.#now() - known.at > AGAIN_MS;
    };
    return [...all].filter((one) => !OF_KUBERNETES.test(one) && isOld(one)).slice(0, WRITES_PER_LOOK);
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
