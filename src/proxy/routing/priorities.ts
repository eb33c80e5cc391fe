/** Which class a rule's requests have: by a header, else the rule's own. */
import type { PriorityClass, PriorityRules } from "../../discovery/resilience.ts";
import type { Head } from "../http/head.ts";

interface ByHeader {
  readonly name: Buffer;
  /** Null: any. */
  readonly value: string | null;
  readonly class: PriorityClass;
}

export class Priorities {
  readonly #class: PriorityClass;
  readonly #headers: readonly ByHeader[];

  constructor({ class: own, headers = [] }: PriorityRules) {
    this.#class = own;
    this.#headers = headers.map(({ name, value, class: of }) => ({
      name: Buffer.from(name, "latin1"),
      value: value ?? null,
      class: of,
    }));
  }

  classOf(head: Head): PriorityClass {
    for (const { name, value, class: of } of this.#headers) {
      const field = head.findName(name);
      if (field >= 0 && (value === null || head.value(field) === value)) return of;
    }
    return this.#class;
  }
}
