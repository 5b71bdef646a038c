/** The headers of a request, as what handlers read. */

import type { Fields } from "./request-head.ts";

type UsedOfHeaders = Pick<Headers, "get" | "has" | "forEach" | "entries" | "keys" | "values">;

/**
 * Reads the parser's own map: a `Headers` is an object of the engine's native part, and three for each invocation cost more
 * than all the rest of a request. What would change them throws.
 */
export class IncomingHeaders implements UsedOfHeaders {
  constructor(private readonly fields: Fields) {}

  get(name: string): string | null {
    return this.fields.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.fields.has(name.toLowerCase());
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void): void {
    for (const [name, value] of this.fields) callback(value, name, this.asHeaders());
  }

  entries(): MapIterator<[string, string]> {
    return this.fields.entries();
  }

  keys(): MapIterator<string> {
    return this.fields.keys();
  }

  values(): MapIterator<string> {
    return this.fields.values();
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }

  /** Itself: for those who read it, it is one. */
  asHeaders(): Headers {
    return this as unknown as Headers;
  }
}

// So that `instanceof Headers` holds.
Object.setPrototypeOf(IncomingHeaders.prototype, Headers.prototype);
