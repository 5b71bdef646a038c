/** The directory of a zip archive, as yauzl reads it. */
import { isUtf8 } from "node:buffer";
import { fstatSync, readSync } from "node:fs";
import type { Entry } from "yauzl";

/** Entries an archive may have: four times what a zip without its 64-bit extension can hold. Their list is kept in memory. */
export const maxEntries = 4 * 65_536;

/** Bytes read at once. An entry takes about 100 of them. */
const windowBytes = 65_536;

/** Marks the begin of an entry in the directory. */
const entrySignature = "PK\x01\x02";

/**
 * Every entry in the archive's order, with its name as it was packed: nothing about it is checked.
 * @param fd of the archive, stays open
 * @throws {Error} the file is no zip, damaged, or has too many entries
 */
export async function* readDirectory(fd: number): AsyncGenerator<{ name: string; entry: Entry }> {
  // Loaded here: a start without archives goes without it.
  const { RandomAccessReader, fromRandomAccessReaderPromise, getFileNameLowLevel } = await import("yauzl");

  /**
   * Answers yauzl at once instead of in a later callback, where an exception (a hostile offset is enough) would be
   * nobody's to catch. And by large reads: two small ones for every entry take ten times as long.
   */
  class Reader extends RandomAccessReader {
    #window = Buffer.alloc(0);
    #windowAt = 0;

    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null, bytes?: number) => void,
    ): void {
      if (position < this.#windowAt || position + length > this.#windowAt + this.#window.length) {
        this.#window = Buffer.alloc(Math.max(length, windowBytes));
        this.#window = this.#window.subarray(0, readSync(fd, this.#window, 0, this.#window.length, position));
        this.#windowAt = position;
      }
      const from = position - this.#windowAt;
      callback(null, this.#window.copy(buffer, offset, from, from + length));
    }
  }

  const options = { autoClose: false, decodeStrings: false };
  const zip = await fromRandomAccessReaderPromise(new Reader(), fstatSync(fd).size, options);
  if (zip.entryCount > maxEntries) throw new Error(`it has ${zip.entryCount} entries, allowed are ${maxEntries}`);
  for await (const entry of zip.eachEntry()) {
    // Many tools write UTF-8 without saying so.
    const flags = entry.generalPurposeBitFlag | (isUtf8(entry.fileNameRaw) ? 0x800 : 0);
    yield { name: getFileNameLowLevel(flags, entry.fileNameRaw, entry.extraFields, true), entry };
  }
  // A count that is too low (16 bits, wrapped around) would leave out files without a word.
  const { readEntryCursor } = zip as unknown as { readEntryCursor: number };
  const next = Buffer.alloc(entrySignature.length);
  readSync(fd, next, 0, next.length, readEntryCursor);
  if (next.toString("latin1") === entrySignature) throw new Error("it has more entries than it states");
}
