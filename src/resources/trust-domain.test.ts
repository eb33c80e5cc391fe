import { describe, expect, it } from "vitest";
import { loadFiles } from "./load.ts";
import type { Resource } from "./resource.ts";
import { completeTrustDomain, trustDomainOf } from "./trust-domain.ts";

function meshConfig(spec: object): readonly Resource[] {
  const document = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "default" },
    spec,
  };
  const { resources, issues } = loadFiles([{ name: "mesh.yaml", text: JSON.stringify(document) }]);
  expect(issues).toEqual([]);
  return resources;
}

describe("the trust domain", () => {
  it("is what MeshConfig says, else what the control plane was told, else cluster.local", () => {
    const said = meshConfig({ trustDomain: "said.example" });
    const silent = meshConfig({ defaultDeny: true });
    expect(trustDomainOf(said, "told.example")).toBe("said.example");
    for (const resources of [silent, []]) {
      expect(trustDomainOf(resources, "told.example")).toBe("told.example");
      expect(trustDomainOf(resources)).toBe("cluster.local");
    }
  });

  it("stands in the MeshConfig that the compiler gets", () => {
    const complete = completeTrustDomain("told.example");
    const said = meshConfig({ trustDomain: "said.example" });
    expect(complete(said)).toBe(said);
    const silent = meshConfig({ defaultDeny: true });
    expect(complete(silent)[0]?.spec).toMatchObject({ trustDomain: "told.example", defaultDeny: true });
    expect(trustDomainOf(complete([]))).toBe("told.example");
    // The compiler tells by identity what is the same.
    expect(complete(silent)[0]).toBe(complete(silent)[0]);
    expect(complete([])[0]).toBe(complete([])[0]);
  });

  it.each(["", "Not A Name", "a b"])("is not %j", (text) => {
    expect(() => completeTrustDomain(text)).toThrow(RangeError);
  });
});
