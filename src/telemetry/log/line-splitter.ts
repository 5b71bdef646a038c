/** Output in lines, however the chunks fall. */

/** Characters a line may have; a longer one is cut, and each piece told as a line. */
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
      const end = pieceEnd(this.#rest, 0);
      this.onLine(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end);
    }
  }

  /** Takes what has no newline yet for a line: its writer has nothing to add to it. */
  flush(): void {
    const rest = this.#rest;
    this.#rest = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(line: string): void {
    let from = 0;
    do {
      const end = pieceEnd(line, from);
      this.onLine(line.slice(from, end));
      from = end;
    } while (from < line.length);
  }
}

/** Where the piece that begins here ends: never between the two halves of one character. */
function pieceEnd(text: string, from: number): number {
  const end = Math.min(from + maxLineLength, text.length);
  const isInCharacter =
    end < text.length && /[\uDC00-\uDFFF]/.test(text[end] ?? "") && /[\uD800-\uDBFF]/.test(text[end - 1] ?? "");
  return isInCharacter ? end - 1 : end;
}
