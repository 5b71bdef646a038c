/** A zip archive in an open file: its directory, checked as a whole before anything is unpacked, and its contents. */
import { readSync } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { Entry } from "yauzl";
import { messageOf } from "../../errors.ts";
import { readDirectory } from "./zip-directory.ts";
import { checkLinkTarget, parentsOf, toRelativePath } from "./zip-names.ts";

/** Bytes all files of an archive may have, unpacked. Lambda allows 250 MB and its container images 10 GB: more is a bomb. */
export const maxUnpackedBytes = 10 * 2 ** 30;

/** Bytes from which on an entry goes through a stream. Below, a stream costs more than it saves. */
const streamFromBytes = 2 ** 20;

/** Bytes a stream reads and unpacks at once. */
const streamChunkBytes = 65_536;

/** Bytes of a path, at most, on Linux: the target of a symbolic link has no more. */
const maxPathBytes = 4095;

/** The upper half of a zip entry's attributes is a Unix mode, and these are its kinds of file. */
const fileKind = { mask: 0o170000, directory: 0o040000, file: 0o100000, link: 0o120000 } as const;

/** What an archive says about one file, directory or symbolic link. */
export interface ArchiveEntry {
  /** Below the target directory, as `toRelativePath` gives it. */
  readonly path: string;
  readonly kind: "file" | "directory" | "link";
  /** Permissions, 0 to 0777. */
  readonly mode: number;
  /** Bytes unpacked, and never more: what goes over it is refused. */
  readonly size: number;
  readonly compressedSize: number;
  readonly isCompressed: boolean;
  readonly crc32: number;
  readonly headerOffset: number;
}

export class ZipArchive {
  readonly #entries = new Map<string, ArchiveEntry>();
  readonly #linkTargets = new Map<string, string>();

  private constructor(private readonly fd: number) {}

  /**
   * Reads and checks the directory.
   * @param fd stays the caller's: open as long as the archive is used, closed by the caller
   * @throws {Error} it is no zip, or an entry is one that must not or cannot be unpacked
   */
  static async open(fd: number): Promise<ZipArchive> {
    const archive = new ZipArchive(fd);
    let unpackedBytes = 0;
    for await (const { name, entry } of readDirectory(fd)) {
      unpackedBytes += entry.uncompressedSize;
      about(name, () => {
        if (unpackedBytes > maxUnpackedBytes) {
          throw new Error(`with it the files have more than ${maxUnpackedBytes} bytes, which looks like a zip bomb`);
        }
        archive.#add(name, entry);
      });
    }
    for (const entry of archive.entries) about(entry.path, () => archive.#checkParents(entry));
    for (const entry of archive.entries) {
      if (entry.kind === "link") about(entry.path, () => archive.#readLink(entry));
    }
    return archive;
  }

  /** In the archive's order; of several with one name the last one counts. */
  get entries(): Iterable<ArchiveEntry> {
    return this.#entries.values();
  }

  /** Where an entry of the kind "link" leads. */
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

  #add(name: string, entry: Entry): void {
    const path = toRelativePath(name);
    const mode = entry.externalFileAttributes >>> 16;
    const kind = kindOf(name, mode);
    if (kind !== "directory" && !entry.canDecodeFileData()) {
      throw new Error(
        entry.isEncrypted()
          ? "it is encrypted, which is not supported"
          : `it is packed with method ${entry.compressionMethod}, supported are 0 (stored) and 8 (deflate)`,
      );
    }
    if (path === "") {
      if (kind !== "directory") throw new Error(`it is a ${kind} in place of the target directory`);
      return; // The target directory itself is not the archive's to change.
    }
    this.#entries.set(path, {
      path,
      kind,
      mode: mode & 0o777 || (kind === "directory" ? 0o755 : 0o644),
      size: entry.uncompressedSize,
      compressedSize: entry.compressedSize,
      isCompressed: entry.compressionMethod !== 0,
      crc32: entry.crc32,
      headerOffset: entry.relativeOffsetOfLocalHeader,
    });
  }

  /** Nothing may stand below a link, where it would end elsewhere, nor below a file. */
  #checkParents({ path }: ArchiveEntry): void {
    for (const parent of parentsOf(path)) {
      const { kind } = this.#entries.get(parent) ?? { kind: "directory" };
      if (kind !== "directory") {
        throw new Error(`it stands below ${JSON.stringify(parent)}, which is a ${kind} in the same archive`);
      }
    }
  }

  #readLink(entry: ArchiveEntry): void {
    if (entry.size > maxPathBytes || !isSmall(entry)) {
      throw new Error(`it is a symbolic link with a target of ${entry.size} bytes, allowed are ${maxPathBytes}`);
    }
    const target = this.#readWhole(entry).toString();
    checkLinkTarget(entry.path, target);
    this.#linkTargets.set(entry.path, target);
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
  #dataOffset({ headerOffset }: ArchiveEntry): number {
    const header = Buffer.allocUnsafe(30);
    this.#read(header, headerOffset);
    if (header.toString("latin1", 0, 4) !== "PK\x03\x04") throw new Error("its header is damaged");
    return headerOffset + header.length + header.readUInt16LE(26) + header.readUInt16LE(28);
  }

  #read(buffer: Buffer, position: number): void {
    for (let at = 0; at < buffer.length; ) {
      const bytes = readSync(this.fd, buffer, at, buffer.length - at, position + at);
      if (bytes === 0) throw new Error("its bytes lie behind the end of the archive, which is damaged");
      at += bytes;
    }
  }
}

/** Names the entry in front of what is wrong with it. */
export function aboutEntry(name: string, error: unknown): Error {
  return new Error(`entry ${JSON.stringify(name)}: ${messageOf(error)}`, { cause: error });
}

function about(name: string, check: () => void): void {
  try {
    check();
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

function kindOf(name: string, mode: number): ArchiveEntry["kind"] {
  const kind = mode & fileKind.mask;
  if (name.endsWith("/") || kind === fileKind.directory) return "directory";
  if (kind === fileKind.link) return "link";
  if (kind === fileKind.file || kind === 0) return "file";
  throw new Error(`it is no file, directory or symbolic link (mode ${mode.toString(8)})`);
}
