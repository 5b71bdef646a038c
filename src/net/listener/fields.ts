/** Header fields, as they stand in a request. */

type UsedOfHeaders = Pick<Headers, "get" | "has" | "forEach" | "entries" | "keys" | "values">;

/**
 * Finds a field by a search in the text: nothing is made of those that nobody asks for. Of a repeated field the first
 * value counts (`docs/contract/runtime-api.md 1`).
 *
 * For those who read it, it is a `Headers`; what would change one throws.
 */
export class Fields implements UsedOfHeaders {
  /** Each line begins behind a line feed, the first one too. */
  readonly #text: string;
  readonly #lowerCase: string;

  /** @param lines `name: value`, each ended by LF or CRLF; checked already */
  constructor(lines: string) {
    this.#text = `\n${lines}`;
    this.#lowerCase = this.#text.toLowerCase();
  }

  get(name: string): string | null {
    const key = `\n${name.toLowerCase()}:`;
    const at = this.#lowerCase.indexOf(key);
    return at < 0 ? null : this.#valueFrom(at + key.length);
  }

  has(name: string): boolean {
    return this.#lowerCase.includes(`\n${name.toLowerCase()}:`);
  }

  /** @param name in lower case */
  isRepeated(name: string): boolean {
    const key = `\n${name}:`;
    return this.#lowerCase.indexOf(key) !== this.#lowerCase.lastIndexOf(key);
  }

  /** All values of a field, in their order. @param name in lower case */
  getAll(name: string): string[] {
    const key = `\n${name}:`;
    const values: string[] = [];
    for (let at = this.#lowerCase.indexOf(key); at >= 0; at = this.#lowerCase.indexOf(key, at + 1)) {
      values.push(this.#valueFrom(at + key.length));
    }
    return values;
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void): void {
    for (const [name, value] of this.entries()) callback(value, name, this.asHeaders());
  }

  entries(): MapIterator<[string, string]> {
    const names = this.#lowerCase.matchAll(/\n([^:\n]+):/g);
    return new Map(Array.from(names, ([, name = ""]) => [name, this.get(name) ?? ""])).entries();
  }

  keys(): MapIterator<string> {
    return new Map(this.entries()).keys();
  }

  values(): MapIterator<string> {
    return new Map(this.entries()).values();
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }

  /** Returns itself, which whoever reads headers can take for a `Headers`. */
  asHeaders(): Headers {
    return this as unknown as Headers;
  }

  #valueFrom(start: number): string {
    let from = start;
    let to = this.#text.indexOf("\n", start);
    // Blanks and tabs only: `trim` would take a byte that is a part of UTF-8 for a blank.
    while (isBlank(this.#text.charCodeAt(from))) from++;
    if (this.#text.charCodeAt(to - 1) === carriageReturn) to--;
    while (to > from && isBlank(this.#text.charCodeAt(to - 1))) to--;
    return this.#text.slice(from, to);
  }
}

// So that `instanceof Headers` holds.
Object.setPrototypeOf(Fields.prototype, Headers.prototype);

const carriageReturn = 0x0d;

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
