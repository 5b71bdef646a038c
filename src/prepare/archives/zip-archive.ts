/** A zip archive in an open file: its directory, checked as a whole before anything is unpacked, and its contents. */
import fs from "node:fs";
import { pipeline, Readable } from "node:stream";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { Entry } from "yauzl";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { kindOf, modeOf, type ZipEntryKind } from "./zip-attributes.ts";
import { type DirectoryEntry, readDirectory } from "./zip-directory.ts";
import { toRelativePath } from "./zip-names.ts";
import { withoutOverwritten } from "./zip-order.ts";

/** Bytes all files of an archive may have, unpacked. Lambda allows 250 MB, and images 10 GB: more is a bomb. */
export const maxUnpackedBytes = 10 * 2 ** 30;

/** Bytes from which on an entry goes through a stream. Below, a stream costs more than it saves. */
const streamFromBytes = 2 ** 20;

/** Bytes a stream reads and unpacks at once. */
const streamChunkBytes = 65_536;

/** Bytes of a path, at most, on Linux: the target of a symbolic link has no more. */
const maxPathBytes = 4095;

/** What an archive says about one file, directory or symbolic link. */
export interface ArchiveEntry {
  /** Below the target directory, as `toRelativePath` gives it. */
  readonly path: string;
  readonly kind: ZipEntryKind;
  /** Permissions, 0 to 0777. */
  readonly mode: number;
  /** Seconds since 1970 of its last change; `undefined` where the archive has none that can be. */
  readonly mtime: number | undefined;
  /** Bytes unpacked, and never more: what goes over it is refused. */
  readonly size: number;
  readonly compressedSize: number;
  readonly isCompressed: boolean;
  readonly crc32: number;
  /** Where in the file its own header begins. */
  readonly headerAt: number;
}

export class ZipArchive {
  #entries: readonly ArchiveEntry[] = [];
  readonly #linkTargets = new Map<string, string>();

  private constructor(private readonly fd: number) {}

  /**
   * Reads and checks the directory.
   * @param fd stays the caller's: open as long as the archive is used, closed by the caller
   * @throws {Error} it is no zip, or an entry is one that must not or cannot be unpacked
   */
  static async open(fd: number): Promise<ZipArchive> {
    const archive = new ZipArchive(fd);
    const entries: ArchiveEntry[] = [];
    let unpackedBytes = 0;
    for await (const found of readDirectory(fd)) {
      unpackedBytes += found.entry.uncompressedSize;
      about(found.name, () => {
        if (unpackedBytes > maxUnpackedBytes) {
          throw new Error(`with it the files have more than ${maxUnpackedBytes} bytes, which looks like a zip bomb`);
        }
        const entry = toArchiveEntry(found);
        if (entry.path !== "") entries.push(entry); // The target directory itself is not the archive's to change.
      });
    }
    archive.#entries = withoutOverwritten(entries).filter(
      (entry) => entry.kind !== "link" || about(entry.path, () => archive.#readLink(entry)),
    );
    return archive;
  }

  /** In the archive's order, without those a later one takes the place of. */
  get entries(): readonly ArchiveEntry[] {
    return this.#entries;
  }

  /** Where an entry of the kind "link" leads: anywhere, or nowhere. */
  linkTarget({ path }: ArchiveEntry): string {
    return this.#linkTargets.get(path) as string;
  }

  /**
   * The content of a file, unpacked.
   * @throws {Error} at the latest behind the last byte: it is not what was packed
   */
  async *content(entry: ArchiveEntry): AsyncGenerator<Buffer> {
    if (isSmall(entry)) {
      yield this.#readWhole(entry);
      return;
    }
    let bytes = 0;
    let sum = 0;
    for await (const chunk of this.#stream(entry)) {
      bytes += chunk.length;
      checkNotTooLong(entry, bytes);
      sum = crc32(chunk, sum);
      yield chunk;
    }
    checkComplete(entry, bytes, sum);
  }

  /** @returns whether the link can be made: Linux has none without a target, nor one with a NUL in it */
  #readLink(entry: ArchiveEntry): boolean {
    if (entry.size > maxPathBytes || !isSmall(entry)) {
      throw new Error(`it is a symbolic link with a target of ${entry.size} bytes, allowed are ${maxPathBytes}`);
    }
    const target = this.#readWhole(entry).toString();
    const canBe = target !== "" && !target.includes("\0");
    if (canBe) this.#linkTargets.set(entry.path, target);
    else log.warn(`a code archive's symbolic link ${entry.path} is left out: it leads to ${JSON.stringify(target)}`);
    return canBe;
  }

  #readWhole(entry: ArchiveEntry): Buffer {
    const packed = Buffer.concat([...this.#packed(entry)]);
    const content = entry.isCompressed ? inflate(packed, entry) : packed;
    checkNotTooLong(entry, content.length);
    checkComplete(entry, content.length, crc32(content));
    return content;
  }

  #stream(entry: ArchiveEntry): AsyncIterable<Buffer> {
    const packed = Readable.from(this.#packed(entry));
    if (!entry.isCompressed) return packed;
    const unpacked = createInflateRaw({ chunkSize: streamChunkBytes });
    pipeline(packed, unpacked, () => {}); // Whoever reads `unpacked` is told of every error.
    return unpacked;
  }

  /** The bytes as they stand in the archive. */
  *#packed(entry: ArchiveEntry): Generator<Buffer> {
    const offset = this.#dataOffset(entry);
    for (let at = 0; at < entry.compressedSize; at += streamChunkBytes) {
      const chunk = Buffer.allocUnsafe(Math.min(streamChunkBytes, entry.compressedSize - at));
      this.#read(chunk, offset + at);
      yield chunk;
    }
  }

  /** Where the bytes of an entry begin: behind its own header, whose length only that header tells. */
  #dataOffset({ headerAt }: ArchiveEntry): number {
    const header = Buffer.allocUnsafe(30);
    this.#read(header, headerAt);
    if (header.toString("latin1", 0, 4) !== "PK\x03\x04") throw new Error("its header is damaged");
    return headerAt + header.length + header.readUInt16LE(26) + header.readUInt16LE(28);
  }

  #read(buffer: Buffer, position: number): void {
    for (let at = 0; at < buffer.length; ) {
      const bytes = fs.readSync(this.fd, buffer, at, buffer.length - at, position + at);
      if (bytes === 0) throw new Error("its bytes lie behind the end of the archive, which is damaged");
      at += bytes;
    }
  }
}

/** @throws {Error} the entry must not or cannot be unpacked */
function toArchiveEntry({ name, entry, headerAt }: DirectoryEntry): ArchiveEntry {
  const path = toRelativePath(name);
  const kind = kindOf(name, entry);
  if (kind !== "directory" && !entry.canDecodeFileData()) {
    throw new Error(
      entry.isEncrypted()
        ? "it is encrypted, which is not supported"
        : `it is packed with method ${entry.compressionMethod}, supported are 0 (stored) and 8 (deflate)`,
    );
  }
  if (path === "" && kind !== "directory") throw new Error(`it is a ${kind} in place of the target directory`);
  return {
    path,
    kind,
    mode: modeOf(kind, entry),
    mtime: timeOf(entry),
    size: entry.uncompressedSize,
    compressedSize: entry.compressedSize,
    isCompressed: entry.compressionMethod !== 0,
    crc32: entry.crc32,
    headerAt,
  };
}

/**
 * A time without a zone of its own is taken for UTC, so that an archive gives the same files everywhere. One before
 * 1970 becomes 1970: Bun sets the present time for those.
 */
function timeOf(entry: Entry): number | undefined {
  const seconds = entry.getLastModDate({ timezone: "UTC" }).getTime() / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Names the entry in front of what is wrong with it. */
export function aboutEntry(name: string, error: unknown): Error {
  return new Error(`entry ${JSON.stringify(name)}: ${messageOf(error)}`, { cause: error });
}

function about<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw aboutEntry(name, error);
  }
}

function isSmall({ size, compressedSize }: ArchiveEntry): boolean {
  return size < streamFromBytes && compressedSize < streamFromBytes;
}

function inflate(packed: Buffer, { size }: ArchiveEntry): Buffer {
  try {
    // One byte more than stated is enough to notice that it is too much. Zero would be no limit to zlib.
    return inflateRawSync(packed, { maxOutputLength: size + 1 });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? tooLong(size) : error;
  }
}

function checkNotTooLong({ size }: ArchiveEntry, bytes: number): void {
  if (bytes > size) throw tooLong(size);
}

function tooLong(size: number): Error {
  return new Error(`it has more than the ${size} bytes the archive states, which looks like a zip bomb`);
}

function checkComplete(entry: ArchiveEntry, bytes: number, sum: number): void {
  if (bytes < entry.size) throw new Error(`it has ${bytes} bytes, the archive states ${entry.size}`);
  if (sum !== entry.crc32) throw new Error("its bytes do not match their checksum, the archive is damaged");
}
