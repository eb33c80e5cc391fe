/** A request as policies ask for it. There is one for all requests of a listener, because a decision is made in one go. */
import { splitAuthority } from "../http/authority.ts";
import type { Head } from "../http/head.ts";
import { isForwarded } from "../http1/head-edit.ts";
import { isConnect } from "../http1/request-head.ts";
import { type Address, parseAddress } from "../policy/address.ts";
import type { Claims, HttpView, RequestView } from "../policy/view.ts";

/** Addresses of clients that are kept as numbers; more are read again. */
const MAX_ADDRESSES = 1_024;

/** What of a request is not in its head. */
export interface Sender {
  /** Who has proven to send it; null: nobody. Without `spiffe://`. */
  readonly peer: { readonly principal: string; readonly namespace: string } | null;
  /** `address:port` of the connection's other end. */
  readonly peerAddress: string;
  readonly claims: Claims | null;
}

export class HeadView implements RequestView, HttpView {
  port = 0;
  #sender: Sender = NOBODY;
  #head: Head | null = null;
  #method = "";
  #path = "";
  #host = "";
  #hostPort = -1;
  readonly #addresses = new Map<string, Address | null>();

  /** `port`: the application's. */
  show(head: Head, sender: Sender, port: number): void {
    this.#head = head;
    this.#sender = sender;
    this.port = port;
    this.#method = "";
    this.#path = "";
    this.#hostPort = -1;
  }

  get principal(): string | null {
    return this.#sender.peer === null ? null : this.#sender.peer.principal;
  }

  get namespace(): string | null {
    return this.#sender.peer === null ? null : this.#sender.peer.namespace;
  }

  get claims(): Claims | null {
    return this.#sender.claims;
  }

  get address(): Address | null {
    const { peerAddress } = this.#sender;
    const text = peerAddress.slice(0, peerAddress.lastIndexOf(":"));
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
    return this.#head !== null && isConnect(this.#head) ? null : this;
  }

  get method(): string {
    if (this.#method === "") this.#method = this.#head?.method() ?? "";
    return this.#method;
  }

  get path(): string {
    if (this.#path === "") {
      const target = this.#head?.path() ?? "";
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
    const { host, port } = splitAuthority(this.#head?.authority() ?? "");
    this.#host = host;
    this.#hostPort = port;
  }

  header(name: string, isForwardedOnly: boolean): readonly string[] {
    const head = this.#head;
    if (head === null) return NONE;
    const bytes = bytesOf(name);
    let found: string[] | undefined;
    for (let field = head.findName(bytes); field >= 0; field = head.findName(bytes, field + 1)) {
      if (isForwardedOnly && !isForwarded(head, field)) continue;
      found ??= [];
      found.push(head.value(field));
    }
    return found ?? NONE;
  }
}

const NOBODY: Sender = { peer: null, peerAddress: "", claims: null };
const NONE: readonly string[] = [];

/** Names of headers that rules ask for: as many as configurations have named. */
const names = new Map<string, Buffer>();

function bytesOf(name: string): Buffer {
  let bytes = names.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name, "latin1");
    names.set(name, bytes);
  }
  return bytes;
}
