/** Output in lines, however the chunks fall. */

/** Characters a line may have: a record of it still fits into what a subscriber expects of one batch. */
const maxLineLength = 256 * 1024;

export class LineSplitter {
  #rest = "";

  /** @param onLine gets each line without its newline; only a newline ends a line, a carriage return stays in it */
  constructor(private readonly onLine: (line: string) => void) {}

  push(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#emit(this.#rest + text.slice(from, end));
      this.#rest = "";
      from = end + 1;
    }
    this.#rest += text.slice(from);
    while (this.#rest.length > maxLineLength) {
      this.onLine(this.#rest.slice(0, maxLineLength));
      this.#rest = this.#rest.slice(maxLineLength);
    }
  }

  /** Takes what has no newline yet for a line: its writer has nothing to add to it. */
  flush(): void {
    const rest = this.#rest;
    this.#rest = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(line: string): void {
    for (let from = 0; from < line.length || from === 0; from += maxLineLength) {
      this.onLine(line.slice(from, from + maxLineLength));
    }
  }
}
