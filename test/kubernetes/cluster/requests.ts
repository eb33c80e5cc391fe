/**
 * Requests to a cluster's API server over connections that stay, with what it warns of. kubectl is a process for each, which takes a hundred
 * times as long, and so does a handshake for each: for what is asked very often and is not about kubectl.
 */
import { readFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:https";
import { text } from "node:stream/consumers";

export interface Answer {
  readonly status: number;
  /** The object, or the API's Status. */
  readonly body: { readonly message?: string };
  /** Header fields, as they are. */
  readonly warnings: readonly string[];
}

/** What is needed of a KUBECONFIG. */
interface Known {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

const TIMEOUT_MS = 30_000;

export class Requests {
  readonly #options: RequestOptions & { readonly agent: Agent };

  /** As whom a KUBECONFIG of `kubeconfigText` names. */
  constructor(kubeconfig: string) {
    const { clusters, users } = JSON.parse(readFileSync(kubeconfig, "utf8")) as Known;
    const [[{ cluster }], [{ user }]] = [clusters, users];
    const { hostname, port } = new URL(cluster.server);
    const headers = { authorization: `Bearer ${user.token}`, "content-type": "application/json" };
    const ca = Buffer.from(cluster["certificate-authority-data"], "base64");
    this.#options = { hostname, port, headers, ca, agent: new Agent({ keepAlive: true }) };
  }

  /** Creates what `document` says in the list at `path`, as far as the API server can judge it without keeping it. */
  async tryOut(path: string, document: object): Promise<Answer> {
    const payload = JSON.stringify(document);
    return new Promise((resolve, reject) => {
      const options = { ...this.#options, method: "POST", path: `${path}?dryRun=All&fieldValidation=Strict` };
      const asked = request(options, async (response) => {
        const { statusCode: status = 0, headersDistinct } = response;
        const body = JSON.parse(await text(response)) as Answer["body"];
        resolve({ status, body, warnings: headersDistinct["warning"] ?? [] });
      });
      asked.setTimeout(TIMEOUT_MS, () => asked.destroy(new Error("no answer in time")));
      asked.once("error", reject);
      asked.end(payload);
    });
  }

  close(): void {
    this.#options.agent.destroy();
  }
}
