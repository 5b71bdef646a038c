/** What a connection is still to send, as the kernel takes it. */

/** Below this many bytes a body goes into one buffer, and thereby one packet, with its head. */
const smallBytes = 16 * 1024;

export class Outbox {
  readonly #unsent: Uint8Array[] = [];

  get isEmpty(): boolean {
    return this.#unsent.length === 0;
  }

  /** @param head ASCII */
  add(head: string, body: readonly Uint8Array[]): void {
    const [only] = body;
    if (body.length === 1 && only && only.byteLength < smallBytes) {
      const bytes = Buffer.allocUnsafe(head.length + only.byteLength);
      bytes.write(head, "latin1");
      bytes.set(only, head.length);
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

  clear(): void {
    this.#unsent.length = 0;
  }
}
