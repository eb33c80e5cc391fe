/**
 * Weft's own check and that of a real API server by Weft's definitions, of the same documents: what Weft takes the API server takes,
 * and what Weft refuses it refuses, but for what neither a schema nor a line of CEL can say.
 */
import { afterAll, expect, it } from "vitest";
import { loadFiles } from "../../../src/resources/load.ts";
import { listPath } from "../../../src/resources/plural.ts";
import { KIND_TABLES, type Kind, WEFT_API } from "../../../src/resources/resource.ts";
import { requires } from "../../harness/requires.ts";
import { SPECS } from "./documents.ts";
import { mutantsOf } from "./mutants.ts";
import { Requests } from "./requests.ts";
import { clusterOfSuite } from "./suite.ts";

/** What Weft says alone, in its own words. */
const ALONE: readonly RegExp[] = [
  // Forms that a pattern of RE2 would only come near to.
  /must be an IP address/,
  /is no set of public keys/,
  /must be one of request\.headers\[name\]/,
  /must be a port number from 1 to 65535, found/,
  /must be a status from 100 to 599/,
  /key must be/,
  // Durations are compared by their length.
  /must be from \w+ to 576h/,
  /must not be (?:shorter|longer) than/,
  /is too short/,
  // Names that must differ.
  /is there already|names a header again/,
  // What paths and regular expressions mean.
  /must begin with \//,
  /must be a path as it is sent|must have no \/\//,
  /names no segment|has braces/,
  /regular expression|nothing to repeat/,
];

const AT_ONCE = 8;

requires("kubernetes")("definitions in a real API server", () => {
  let requests: Requests | undefined;
  const suite = clusterOfSuite({}, async ({ kubectl, cluster }) => {
    requests = new Requests(cluster.kubeconfig);
    await kubectl("apply", "-f", "deploy/crds");
    await kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all");
  });
  afterAll(() => requests?.close());

  /** Why it refuses a document; undefined: it would take it. */
  const refusalOf = async (kind: Kind, document: object): Promise<string | undefined> => {
    const list = listPath(kind);
    const path = kind === "MeshConfig" ? list : list.replace(/\/(?=\w+$)/, "/namespaces/default/");
    const { status, body } = (await requests?.tryOut(path, document)) ?? expect.fail("no cluster");
    if (status === 201) return undefined;
    const said = `status ${status}: ${body.message}`;
    return [400, 422].includes(status) ? said : expect.fail(said);
  };

  const disagreementOn = async (kind: Kind, label: string, spec: unknown): Promise<string[]> => {
    const metadata = kind === "MeshConfig" ? { name: "default" } : { name: "a", namespace: "default" };
    const document = { apiVersion: WEFT_API, kind, metadata, spec };
    const { issues } = loadFiles([{ name: label, text: JSON.stringify(document) }]);
    const ours = issues.filter(({ severity }) => severity === "error").map(({ message }) => message);
    const theirs = await refusalOf(kind, document);
    if (theirs !== undefined)
      return ours.length > 0 ? [] : [`${label}: refused by the API server alone: ${theirs}`];
    const open = ours.filter((message) => !ALONE.some((pattern) => pattern.test(message)));
    return open.length > 0 ? [`${label}: refused by Weft alone: ${open[0]}`] : [];
  };

  it.each(SPECS.map(([kind, spec], i) => ({ kind, spec, i })))(
    "$kind, of document $i",
    { timeout: 120_000 },
    async ({ kind, spec }) => {
      expect(suite.cluster.kubeconfig).not.toBe("");
      const documents = [
        { label: "as it is", value: spec as unknown },
        ...mutantsOf(KIND_TABLES[kind].spec.shape, spec),
      ].values();
      const found: string[] = [];
      let count = 0;
      const work = async () => {
        for (const { label, value } of documents) {
          count++;
          found.push(...(await disagreementOn(kind, label, value)));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      expect(found).toEqual([]);
      expect(count).toBeGreaterThan(40);
    },
  );
});
