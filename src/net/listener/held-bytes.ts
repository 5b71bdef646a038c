/** Bytes that are kept until more come. */

const firstCapacity = 4096;

export class HeldBytes {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Only the first `length` of them mean something. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  append(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      // Doubled: a head of megabytes that comes in small pieces must not be copied for each of them.
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2, firstCapacity));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = needed;
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
  }
}
