/** Output in lines, however the chunks fall. */

/**
 * Characters a line may have; a longer one is cut, and each piece told as a line. AWS delivers records of 300 KB whole
 * (https://github.com/DataDog/datadog-lambda-extension/pull/1357); this is more than any event or answer has.
 */
export const maxLineLength = 8 * 1024 * 1024;

export class LineSplitter {
  #rest = "";
  /** Whether what waits is the rest of a line that was cut. */
  #isCut = false;

  /**
   * @param onLine gets each line without its newline; only a newline ends a line, a carriage return stays in it.
   *   `isPiece`: it is only a piece of one, and says nothing about the whole
   * @param onCut is told of each line that is cut, before its first piece comes
   */
  constructor(
    private readonly onLine: (line: string, isPiece: boolean) => void,
    private readonly onCut: () => void,
  ) {}

  push(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#emit(this.#rest + text.slice(from, end));
      this.#rest = "";
      from = end + 1;
    }
    this.#rest += text.slice(from);
    while (this.#rest.length > maxLineLength) this.#rest = this.#cut(this.#rest);
  }

  /** Tells what waits without a newline as a line, for its writer will add nothing to it. */
  flush(): void {
    const rest = this.#rest;
    this.#rest = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(line: string): void {
    let rest = line;
    while (rest.length > maxLineLength) rest = this.#cut(rest);
    this.onLine(rest, this.#isCut);
    this.#isCut = false;
  }

  /** Tells the first piece. @returns what is left of the line */
  #cut(line: string): string {
    if (!this.#isCut) this.onCut();
    this.#isCut = true;
    const end = pieceEnd(line);
    this.onLine(line.slice(0, end), true);
    return line.slice(end);
  }
}

/** Where the first piece of a text that is too long ends: never between the two halves of one character. */
function pieceEnd(text: string): number {
  const isInCharacter = /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(maxLineLength - 1, maxLineLength + 1));
  return isInCharacter ? maxLineLength - 1 : maxLineLength;
}
