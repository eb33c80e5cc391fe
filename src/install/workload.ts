/**
 * The control plane itself: a Deployment under what Pod Security calls `restricted`, and the Service that sidecars know. It keeps
 * nothing on disks: the CA is in a Secret, which is the replicas' own or the operator's, and everything else in the cluster.
 */
import { podSpec } from "./pod.ts";
import { type InstallSettings, type Manifest, metadata, NAME, PORTS, SELECTOR } from "./settings.ts";

export function workloadManifests(settings: InstallSettings): readonly Manifest[] {
  const { namespace, replicas } = settings;
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(NAME, namespace),
    spec: {
      selector: SELECTOR,
      // Readiness is the API's, and sidecars enrol before anything else is.
      ports: Object.entries(PORTS).map(([name, port]) => ({
        name,
        port,
        targetPort: name,
        appProtocol: "tcp",
      })),
    },
  };
  const disruption = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(NAME, namespace),
    spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } },
  };
  return [service, deployment(settings), ...(replicas > 1 ? [disruption] : [])];
}

function deployment(settings: InstallSettings): Manifest {
  const { namespace, replicas } = settings;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(NAME, namespace),
    spec: {
      replicas,
      selector: { matchLabels: SELECTOR },
      // Also of one replica the new one comes before the old one goes: pods that start need the webhook.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: SELECTOR, annotations: { "weft.dev/inject": "false" } },
        spec: podSpec(settings),
      },
    },
  };
}
