/**
 * Keeps `caBundle` of a MutatingWebhookConfiguration what the API server needs to verify the webhook: the mesh's roots. They are
 * looked at when the control plane's certificate or the roots change, and every ten minutes, because others apply manifests. The
 * client is loaded here and not before: only clusters need it.
 */
import type { Log } from "../log.ts";

const LOOK_MS = 600_000;
const RETRY_MS = 10_000;

export interface BundleKeeper {
  /** Something may have changed. */
  look(): void;
  close(): void;
}

/** `bundle`: PEM of the roots as of now. */
export function keepCaBundle(name: string, bundle: () => string, log: Log): BundleKeeper {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  /** One look at a time; another that was asked for meanwhile comes after it. */
  let work: Promise<void> = Promise.resolve();
  let reported = "";
  const look = (): void => {
    clearTimeout(timer);
    work = work.then(async () => {
      if (isClosed) return;
      let delay = LOOK_MS;
      try {
        if (await putBundle(name, Buffer.from(bundle()).toString("base64"))) {
          log.info({ configuration: name }, "caBundle of the webhook set");
        }
        reported = "";
      } catch (error) {
        delay = RETRY_MS;
        const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "no answer";
        if (reason !== reported)
          log.warn({ configuration: name, reason }, "caBundle of the webhook can't be set");
        reported = reason;
      }
      if (!isClosed) timer = setTimeout(look, delay).unref();
    });
  };
  look();
  return {
    look,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** Whether it had to be changed. A conflict with another writer is an error, after which one looks again. */
async function putBundle(name: string, wanted: string): Promise<boolean> {
  const { AdmissionregistrationV1Api, KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromDefault();
  const api = config.makeApiClient(AdmissionregistrationV1Api);
  const found = await api.readMutatingWebhookConfiguration({ name });
  const webhooks = found.webhooks ?? [];
  if (webhooks.every(({ clientConfig }) => clientConfig.caBundle === wanted)) return false;
  // Written as a whole, with the version that was read: the API server refuses it if it has changed in between.
  for (const { clientConfig } of webhooks) clientConfig.caBundle = wanted;
  await api.replaceMutatingWebhookConfiguration({ name, body: found });
  return true;
}
