/** The admission webhook within the control plane: its certificate, what it counts and logs, and its caBundle in the cluster. */
import type { InjectSettings } from "../../inject/settings.ts";
import type { PlaneIdentity } from "../identity.ts";
import type { Log } from "../log.ts";
import { keepCaBundle } from "./ca-bundle.ts";
import { startWebhook, type Webhook } from "./server.ts";

export interface WebhookSettings {
  /** 0: chosen by the system. */
  readonly port: number;
  /** The trust domain is the identity's. */
  readonly settings: Omit<InjectSettings, "trustDomain">;
  /** Name of the MutatingWebhookConfiguration whose caBundle is kept right; absent: somebody else does. */
  readonly configuration?: string;
}

/** Rejects where the port can't be had. */
export async function openWebhook(
  { port, settings, configuration }: WebhookSettings,
  host: string,
  identity: PlaneIdentity,
  reviewed: (verdict: string, seconds: number) => void,
  log: Log,
): Promise<Webhook> {
  const keeper =
    configuration === undefined ? undefined : keepCaBundle(configuration, () => identity.bundle.pem, log);
  try {
    const webhook = await startWebhook({
      host,
      port,
      settings: { ...settings, trustDomain: identity.trustDomain },
      secret: (onChange) =>
        identity.portSecret((secret) => {
          onChange(secret);
          keeper?.look();
        }),
      onReview: (verdict, reason, seconds) => {
        reviewed(verdict, seconds);
        if (verdict === "refused" || verdict === "invalid")
          log.warn({ reason }, "a review of a pod was refused");
      },
      onError: (error) => log.error({ err: error }, "a review of a pod failed"),
    });
    return {
      port: webhook.port,
      close: () => {
        keeper?.close();
        return webhook.close();
      },
    };
  } catch (error) {
    keeper?.close();
    throw error;
  }
}
