/** What a connection is still to send, as the kernel takes it. */

/** Below this many bytes what is to be sent goes out in one write: each further one would wake the server once more. */
const smallBytes = 16 * 1024;

export class Outbox {
  readonly #unsent: Uint8Array[] = [];

  get isEmpty(): boolean {
    return this.#unsent.length === 0;
  }

  /** @param head ASCII */
  add(head: string, body: readonly Uint8Array[]): void {
    let size = head.length;
    for (const { byteLength } of body) size += byteLength;
    if (size < smallBytes) {
      const bytes = Buffer.allocUnsafe(size);
      let at = bytes.write(head, "latin1");
      for (const piece of body) {
        bytes.set(piece, at);
        at += piece.byteLength;
      }
      this.#unsent.push(bytes);
    } else {
      this.#unsent.push(Buffer.from(head, "latin1"));
      for (const piece of body) if (piece.byteLength > 0) this.#unsent.push(piece);
    }
  }

  /**
   * Writes until no more is taken.
   * @param write returns how many bytes were; negative where the connection has ended
   * @returns bytes taken in all
   */
  writeTo(write: (bytes: Uint8Array) => number): number {
    this.#join();
    let total = 0;
    let done = 0;
    for (const bytes of this.#unsent) {
      const taken = Math.max(0, write(bytes));
      total += taken;
      if (taken < bytes.byteLength) {
        this.#unsent[done] = bytes.subarray(taken);
        break;
      }
      done++;
    }
    this.#unsent.splice(0, done);
    return total;
  }

  /** Makes one piece of several small ones. */
  #join(): void {
    if (this.#unsent.length < 2) return;
    let size = 0;
    for (const { byteLength } of this.#unsent) size += byteLength;
    if (size < smallBytes) this.#unsent.splice(0, this.#unsent.length, Buffer.concat(this.#unsent, size));
  }

  clear(): void {
    this.#unsent.length = 0;
  }
}
