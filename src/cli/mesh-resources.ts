/**
 * The resources of a directory as `weft up` needs them: which programs to run, and which Services they call.
 */
import type { PlannedService, PlannedWorkload } from "../local/plan.ts";
import { formatIssue, hasErrors } from "../resources/issue.ts";
import { loadDirectory } from "../resources/load.ts";
import type { Service, Workload } from "../resources/resource.ts";
import { trustDomainOf } from "../resources/trust-domain.ts";
import { CliError } from "./exit.ts";
import { count } from "./output.ts";

export interface MeshResources {
  readonly workloads: PlannedWorkload[];
  readonly services: PlannedService[];
  readonly trustDomain: string;
}

/** Reads a directory; throws a CliError that names everything wrong with it. */
export async function loadMeshResources(directory: string): Promise<MeshResources> {
  const { resources, issues } = loadDirectory(directory);
  if (hasErrors(issues)) {
    const errors = issues.filter((issue) => issue.severity === "error");
    throw new CliError(`${count(errors.length, "error")} in the resources of ${directory}`, {
      hints: errors.map(formatIssue),
    });
  }
  return {
    workloads: resources.filter((r) => r.kind === "Workload").map(plannedWorkload),
    services: resources.filter((r) => r.kind === "Service").map(plannedService),
    trustDomain: trustDomainOf(resources),
  };
}

function plannedWorkload({ metadata, spec }: Workload): PlannedWorkload {
  const { name, namespace, labels } = metadata;
  const { address, serviceAccount, ports, env, inboundPort, command, workingDir } = spec;
  return {
    ...{ namespace, name, labels, address, serviceAccount, ports, env },
    ...(inboundPort === undefined ? {} : { inboundPort }),
    ...(command === undefined ? {} : { command }),
    ...(workingDir === undefined ? {} : { workingDirectory: workingDir }),
  };
}

function plannedService({ metadata, spec }: Service): PlannedService {
  const { name, namespace, annotations } = metadata;
  const ports = spec.ports.map(({ port, name }) => (name === undefined ? { port } : { port, name }));
  return { name, namespace, annotations, selector: spec.selector, ports };
}
