/** The text LocalStack stores as the function's log: output of its processes and init's START, END and REPORT lines. */

/** Above this many characters output is counted instead of kept: a function that logs for ever must not end init. */
const maxKeptLength = 256 * 1024 * 1024;

export class LogBuffer {
  #text = "";
  #dropped = 0;

  /**
   * A receiver for one output stream. Each has its own decoder, for two streams may interleave in the middle of a
   * character; bytes that are not UTF-8 become U+FFFD.
   */
  receiveOutput(): (chunk: Uint8Array) => void {
    const decoder = new TextDecoder();
    return (chunk) => this.#append(decoder.decode(chunk, { stream: true }));
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

  #append(text: string): void {
    if (this.#text.length + text.length > maxKeptLength) this.#dropped += text.length;
    else this.#text += text;
  }
}
