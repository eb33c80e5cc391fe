/**
 * The TokenReview API: the cluster says whose a token is. The client is loaded at the first token, because it is large and only
 * clusters need it; where the cluster is stands in KUBECONFIG, or in the pod's own mount.
 */
import type { AuthenticationV1Api, ObservableMiddleware } from "@kubernetes/client-node";
import { accountOf, type ReviewToken, TOKEN_AUDIENCE, type TokenReview } from "./service-account-token.ts";

/** Longest wait for the cluster's answer. */
const TIMEOUT_MS = 5_000;
/** Reviews at once; further ones are told to come again. */
const MAX_REVIEWS = 32;
const POD_NAME = "authentication.kubernetes.io/pod-name";

export function kubernetesTokenReview(): ReviewToken {
  let api: Promise<Api> | undefined;
  let underWay = 0;
  return async (token) => {
    if (underWay >= MAX_REVIEWS) return { kind: "unavailable", detail: "too many reviews at once" };
    underWay++;
    try {
      api ??= openApi();
      return await review(await api, token);
    } catch (error) {
      return { kind: "unavailable", detail: error instanceof Error ? firstLine(error.message) : "no answer" };
    } finally {
      underWay--;
    }
  };
}

interface Api {
  readonly client: AuthenticationV1Api;
  /** For each request. */
  readonly timeLimit: ObservableMiddleware;
}

async function openApi(): Promise<Api> {
  const { AuthenticationV1Api, KubeConfig, Observable } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromDefault();
  const timeLimit: ObservableMiddleware = {
    pre: (request) => {
      request.setSignal(AbortSignal.timeout(TIMEOUT_MS));
      return new Observable(Promise.resolve(request));
    },
    post: (response) => new Observable(Promise.resolve(response)),
  };
  return { client: config.makeApiClient(AuthenticationV1Api), timeLimit };
}

async function review({ client, timeLimit }: Api, token: string): Promise<TokenReview> {
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    spec: { token, audiences: [TOKEN_AUDIENCE] },
  };
  const { status } = await client.createTokenReview(
    { body },
    { middleware: [timeLimit], middlewareMergeStrategy: "append" },
  );
  if (status?.authenticated !== true)
    return { kind: "rejected", detail: firstLine(status?.error ?? "unknown") };
  // A server that does not know audiences answers without any: its tokens would be for anybody.
  if (status.audiences?.includes(TOKEN_AUDIENCE) !== true) return { kind: "rejected", detail: "audience" };
  const account = accountOf(status.user?.username ?? "");
  if (account === undefined) return { kind: "rejected", detail: "not of a service account" };
  return { kind: "reviewed", account, pod: status.user?.extra?.[POD_NAME]?.[0] ?? "" };
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, 200);
}
