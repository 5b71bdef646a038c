/** The text LocalStack stores as the function's log. */

/** Above this many characters output is counted instead of kept: a function that logs for ever must not end init. */
const maxKeptLength = 256 * 1024 * 1024;

export class LogBuffer {
  #text = "";
  #dropped = 0;

  /** Adds output as it came. */
  append(text: string): void {
    if (this.#text.length + text.length > maxKeptLength) this.#dropped += text.length;
    else this.#text += text;
  }

  /** Adds a line of init's own (with its newline), on a line of its own whatever the function wrote last. */
  addLine(line: string): void {
    this.#text += this.#text === "" || this.#text.endsWith("\n") ? line : `\n${line}`;
  }

  /** Everything since the last call. What had to be dropped is announced at the end. */
  take(): string {
    if (this.#dropped > 0) {
      this.addLine(`${this.#dropped} characters of output were dropped: at most ${maxKeptLength} are kept\n`);
    }
    const text = this.#text;
    this.#text = "";
    this.#dropped = 0;
    return text;
  }
}
