/** A request as policies ask for it. There is one for all requests of a listener, because a decision is made in one go. */
import { splitAuthority } from "../http/authority.ts";
import { isForwarded } from "../http1/head-edit.ts";
import { isConnect } from "../http1/request-head.ts";
import { type Address, parseAddress } from "../policy/address.ts";
import type { Claims, HttpView, RequestView } from "../policy/view.ts";
import type { Exchange } from "./exchange.ts";

/** Addresses of clients that are kept as numbers; more are read again. */
const MAX_ADDRESSES = 1_024;

export class ExchangeView implements RequestView, HttpView {
  port = 0;
  #exchange: Exchange | null = null;
  #method = "";
  #path = "";
  #host = "";
  #hostPort = -1;
  readonly #addresses = new Map<string, Address | null>();

  /** `port`: the application's. */
  show(exchange: Exchange, port: number): void {
    this.#exchange = exchange;
    this.port = port;
    this.#method = "";
    this.#path = "";
    this.#hostPort = -1;
  }

  get principal(): string | null {
    return this.#exchange?.peer?.principal ?? null;
  }

  get namespace(): string | null {
    return this.#exchange?.peer?.namespace ?? null;
  }

  get claims(): Claims | null {
    return this.#exchange?.claims ?? null;
  }

  get address(): Address | null {
    const withPort = this.#exchange?.connection.transport.peerAddress ?? "";
    const text = withPort.slice(0, withPort.lastIndexOf(":"));
    let address = this.#addresses.get(text);
    if (address === undefined) {
      if (this.#addresses.size >= MAX_ADDRESSES) this.#addresses.clear();
      address = parseAddress(text);
      this.#addresses.set(text, address);
    }
    return address;
  }

  /** Null for what is tunnelled. */
  get http(): HttpView | null {
    const head = this.#exchange?.connection.head;
    return head !== undefined && isConnect(head) ? null : this;
  }

  get method(): string {
    if (this.#method === "") this.#method = this.#exchange?.connection.head.method() ?? "";
    return this.#method;
  }

  get path(): string {
    if (this.#path === "") {
      const target = this.#exchange?.connection.head.path() ?? "";
      const query = target.indexOf("?");
      this.#path = query < 0 ? target : target.slice(0, query);
    }
    return this.#path;
  }

  get host(): string {
    this.#readHost();
    return this.#host;
  }

  get hostPort(): number {
    this.#readHost();
    return this.#hostPort;
  }

  #readHost(): void {
    if (this.#hostPort >= 0) return;
    const { host, port } = splitAuthority(this.#exchange?.connection.head.authority() ?? "");
    this.#host = host;
    this.#hostPort = port;
  }

  header(name: string, onlyForwarded: boolean): readonly string[] {
    const head = this.#exchange?.connection.head;
    if (head === undefined) return NONE;
    const bytes = Buffer.from(name, "latin1");
    let found: string[] | undefined;
    for (let field = head.findName(bytes); field >= 0; field = head.findName(bytes, field + 1)) {
      if (onlyForwarded && !isForwarded(head, field)) continue;
      found ??= [];
      found.push(head.value(field));
    }
    return found ?? NONE;
  }
}

const NONE: readonly string[] = [];
