/** The directory of a zip archive, as yauzl reads it. */
import nodeBuffer from "node:buffer";
import fs from "node:fs";
import type { Entry, ZipFile } from "yauzl";
import { findZip } from "./zip-bounds.ts";

/**
 * Entries an archive may have: four times what a zip without its 64-bit extension can hold. Their list is kept in
 * memory.
 */
export const maxEntries = 4 * 65_536;

/** Bytes read at once. An entry takes about 100 of them. */
const windowBytes = 65_536;

/** Bytes of a directory entry before its name. */
const entryBytes = 46;

/** One line of the directory. */
export interface DirectoryEntry {
  /** As it was packed: nothing about it is checked. */
  readonly name: string;
  readonly entry: Entry;
  /** Where in the file the entry's own header begins. */
  readonly headerAt: number;
}

/**
 * Every entry in the archive's order.
 * @param fd of the archive, stays open
 * @throws {Error} the file is no zip, damaged, or has too many entries
 */
export async function* readDirectory(fd: number): AsyncGenerator<DirectoryEntry> {
  // Loaded here: a start without archives goes without it.
  const { RandomAccessReader, fromRandomAccessReaderPromise, getFileNameLowLevel } = await import("yauzl");
  const { begin, end } = findZip(fd, fs.fstatSync(fd).size);
  // yauzl is shown an archive that ends there: it refuses other bytes behind it, and some comments.
  const commentLengthAt = end - begin - 2;

  /**
   * Answers yauzl at once instead of in a later callback, where an exception (a hostile offset is enough) would be
   * nobody's to catch. And by large reads: two small ones for every entry take ten times as long.
   */
  class Reader extends RandomAccessReader {
    #window = Buffer.alloc(0);
    #windowAt = 0;
    #extra = { readAt: -1, from: 0, to: 0 };

    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null, bytes?: number) => void,
    ): void {
      if (position < this.#windowAt || position + length > this.#windowAt + this.#window.length) {
        this.#window = Buffer.alloc(Math.max(length, windowBytes));
        this.#window = this.#window.subarray(
          0,
          fs.readSync(fd, this.#window, 0, this.#window.length, begin + position),
        );
        this.#windowAt = position;
      }
      const from = position - this.#windowAt;
      const copied = this.#window.copy(buffer, offset, from, from + length);
      this.#mend(buffer.subarray(offset, offset + copied), position);
      callback(null, copied);
    }

    /** Takes out what yauzl refuses and other readers pass over. */
    #mend(bytes: Buffer, position: number): void {
      if (position + bytes.length > commentLengthAt) bytes.fill(0, Math.max(0, commentLengthAt - position));
      if (position === this.#extra.readAt) blankBrokenFields(bytes.subarray(this.#extra.from, this.#extra.to));
      if (bytes.length !== entryBytes || !isEntry(bytes)) return;
      const nameLength = bytes.readUInt16LE(28);
      // An entry's name and fields are read next.
      this.#extra = { readAt: position + entryBytes, from: nameLength, to: nameLength + bytes.readUInt16LE(30) };
    }
  }

  const options = { autoClose: false, decodeStrings: false };
  const zip = await fromRandomAccessReaderPromise(new Reader(), end - begin, options);
  correctCount(zip, fd, begin);
  for await (const entry of zip.eachEntry()) {
    // Many tools write UTF-8 without saying so.
    const flags = entry.generalPurposeBitFlag | (nodeBuffer.isUtf8(entry.fileNameRaw) ? 0x800 : 0);
    const name = getFileNameLowLevel(flags, entry.fileNameRaw, entry.extraFields, true);
    yield { name, entry, headerAt: begin + entry.relativeOffsetOfLocalHeader };
  }
}

function isEntry(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 4) === "PK\x01\x02";
}

/** @param fields of an entry, each with its length: one that is longer than what is left goes, as in Go's reader */
function blankBrokenFields(fields: Buffer): void {
  for (let at = 0; at + 4 <= fields.length; at += 4 + fields.readUInt16LE(at + 2)) {
    if (at + 4 + fields.readUInt16LE(at + 2) > fields.length) fields.fill(0, at);
  }
}

/**
 * Lets yauzl read as many entries as there are. The count an archive states has 16 bits and wraps around in writers
 * that do not know better, so only these are compared, as Go's reader does.
 */
function correctCount(zip: ZipFile, fd: number, begin: number): void {
  const { readEntryCursor } = zip as unknown as { readEntryCursor: number };
  const count = countEntries(fd, begin + readEntryCursor);
  if (count > maxEntries) throw new Error(`it has more than ${maxEntries} entries, which is the most allowed`);
  if (count % 65_536 !== zip.entryCount % 65_536) {
    throw new Error(`it states ${zip.entryCount} entries but has ${count}, the archive is damaged`);
  }
  Object.assign(zip, { entryCount: count });
}

/** The entries from this position on, up to one more than allowed. */
function countEntries(fd: number, position: number): number {
  let window = Buffer.alloc(0);
  let windowAt = position;
  for (let count = 0; ; count++) {
    if (position + entryBytes > windowAt + window.length) {
      window = Buffer.alloc(windowBytes);
      window = window.subarray(0, fs.readSync(fd, window, 0, window.length, position));
      windowAt = position;
    }
    const header = window.subarray(position - windowAt);
    if (count > maxEntries || header.length < entryBytes || !isEntry(header)) return count;
    position += entryBytes + header.readUInt16LE(28) + header.readUInt16LE(30) + header.readUInt16LE(32);
  }
}
