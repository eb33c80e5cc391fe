/**
 * What policies may ask of a request, whoever answers: an exchange in a traffic loop, or `weft authz check`. Reading is lazy:
 * what no rule asks for is not made.
 */
import type { Address } from "./address.ts";

/** Claims of a verified token (RFC 7519), as they stand in it. */
export type Claims = Readonly<Record<string, unknown>>;

export interface RequestView {
  /** Proven by the connection, without `spiffe://`; null: nobody. */
  readonly principal: string | null;
  /** Of the principal. */
  readonly namespace: string | null;
  /** Where the connection comes from; null: not known, and in no range. */
  readonly address: Address | null;
  /** The application's. */
  readonly port: number;
  /** Of the request's verified token; null: it has none. */
  readonly claims: Claims | null;
  /** Null: a connection that is not HTTP, or not read as such. */
  readonly http: HttpView | null;
}

export interface HttpView {
  readonly method: string;
  /** In lower case, without port and trailing dot. */
  readonly host: string;
  /** 0: none was written. */
  readonly hostPort: number;
  /** Normalized, without the query. */
  readonly path: string;
  /**
   * Values of the fields with this name (lower case), one for each field. With `isForwarded` of those alone that the
   * application gets: a `Connection` field may take some away.
   */
  header(name: string, isForwarded: boolean): readonly string[];
}
