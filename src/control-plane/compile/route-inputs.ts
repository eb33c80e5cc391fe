/**
 * What the compiler reads of HTTPRoute, TrafficPolicy and MeshConfig. Durations are milliseconds: the loader has parsed
 * them.
 */
import type { TrafficPolicy } from "../../resources/resource.ts";
import type { Metadata } from "./inputs.ts";

export interface ObjectRef {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly port?: number | undefined;
}

export interface ParentRef extends ObjectRef {
  /** Name of a port of the Service. */
  readonly sectionName?: string | undefined;
}

export interface HeaderInput {
  readonly name: string;
  readonly value: string;
}

export interface ValueMatchInput extends HeaderInput {
  readonly type?: string | undefined;
}

export interface MatchInput {
  readonly path?: { readonly type?: string | undefined; readonly value?: string | undefined } | undefined;
  readonly method?: string | undefined;
  readonly headers?: readonly ValueMatchInput[] | undefined;
  readonly queryParams?: readonly ValueMatchInput[] | undefined;
}

export interface HeaderFilterInput {
  readonly set?: readonly HeaderInput[] | undefined;
  readonly add?: readonly HeaderInput[] | undefined;
  readonly remove?: readonly string[] | undefined;
}

export interface PathInput {
  readonly type: string;
  readonly replaceFullPath?: string | undefined;
  readonly replacePrefixMatch?: string | undefined;
}

/** One filter: `type` says which of the other fields holds. */
export interface FilterInput {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderFilterInput | undefined;
  readonly responseHeaderModifier?: HeaderFilterInput | undefined;
  readonly urlRewrite?:
    | { readonly hostname?: string | undefined; readonly path?: PathInput | undefined }
    | undefined;
  readonly requestRedirect?:
    | {
        readonly scheme?: string | undefined;
        readonly hostname?: string | undefined;
        readonly path?: PathInput | undefined;
        readonly port?: number | undefined;
        readonly statusCode?: number | undefined;
      }
    | undefined;
  readonly requestMirror?:
    | {
        readonly backendRef: ObjectRef;
        readonly percent?: number | undefined;
        readonly fraction?:
          | { readonly numerator: number; readonly denominator?: number | undefined }
          | undefined;
      }
    | undefined;
}

export interface BackendInput extends ObjectRef {
  readonly weight?: number | undefined;
  readonly filters?: readonly FilterInput[] | undefined;
}

export interface TimeoutsInput {
  readonly request?: number | undefined;
  readonly backendRequest?: number | undefined;
}

export interface RuleInput {
  readonly name?: string | undefined;
  readonly matches?: readonly MatchInput[] | undefined;
  readonly filters?: readonly FilterInput[] | undefined;
  readonly backendRefs?: readonly BackendInput[] | undefined;
  readonly timeouts?: TimeoutsInput | undefined;
  readonly retry?: RetryInput | undefined;
}

export interface RetryInput {
  readonly codes?: readonly number[] | undefined;
  readonly attempts?: number | undefined;
  readonly backoff?: number | undefined;
}

export interface RouteInput {
  readonly metadata: Metadata;
  readonly spec: {
    readonly parentRefs?: readonly ParentRef[] | undefined;
    readonly rules?: readonly RuleInput[] | undefined;
  };
}

export type PolicyInput = Pick<TrafficPolicy, "metadata" | "spec">;

export interface MeshInput {
  readonly spec: {
    readonly trustDomain?: string | undefined;
    readonly clusterDomain?: string | undefined;
    readonly outboundPolicy?: "ALLOW_ANY" | "REGISTRY_ONLY" | undefined;
    readonly discoveryTimeout?: number | undefined;
    readonly defaultDeny?: boolean | undefined;
    readonly authorization?: { readonly exposeDenials?: boolean | undefined } | undefined;
    readonly limits?:
      | { readonly maxHeadBytes?: number | undefined; readonly maxHeaders?: number | undefined }
      | undefined;
    readonly timeouts?:
      | {
          readonly headers?: number | undefined;
          readonly streamIdle?: number | undefined;
          readonly connectionIdle?: number | undefined;
        }
      | undefined;
    readonly overload?:
      | { readonly loopDelay?: number | undefined; readonly memory?: number | undefined }
      | undefined;
    readonly telemetry?: { readonly metricPrefix?: string | undefined } | undefined;
  };
}
