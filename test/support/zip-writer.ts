/** Writes zip archives for tests, honest ones and hostile ones. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: string | Buffer;
  readonly content?: string | Uint8Array;
  /** With its kind of file, such as 0o100644. Without it the archive says nothing of modes. */
  readonly mode?: number;
  /** The bytes that stand in the archive, where they are not the content. */
  readonly packed?: Uint8Array;
  /** Not compressed. */
  readonly stored?: boolean;
  readonly encrypted?: boolean;
  /** The name is in the old code page, as far as the archive says. */
  readonly notUtf8?: boolean;
  /** Made by DOS, with these attributes in place of a Unix mode. */
  readonly dosAttributes?: number;
  /** Of the last change: as DOS keeps it, in two seconds, and where `isExact` in Info-ZIP's field too. */
  readonly mtime?: Date;
  readonly isExact?: boolean;
  /** Further fields of the entry, as they stand in the directory. */
  readonly extra?: Uint8Array;
  /** What the archive says instead of the truth. */
  readonly stated?: { readonly size?: number; readonly crc32?: number; readonly method?: number };
}

export interface ZipOptions {
  /** All sizes and offsets in 64 bits. */
  readonly zip64?: boolean;
  /** How many entries the archive says it has. */
  readonly statedCount?: number;
  readonly comment?: string;
}

const saysNothing = 0xffff_ffff;

export function symbolicLink(name: string, target: string): ZipEntry {
  return { name, content: target, mode: 0o120777 };
}

export function writeZip(
  entries: readonly ZipEntry[],
  { zip64 = false, statedCount, comment = "" }: ZipOptions = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? "");
    const packed = Buffer.from(entry.packed ?? (entry.stored ? content : deflateRawSync(content)));
    const size = entry.stated?.size ?? content.length;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(zip64 ? 45 : 20, 0);
    common.writeUInt16LE((entry.notUtf8 ? 0 : 0x800) | (entry.encrypted ? 1 : 0), 2);
    common.writeUInt16LE(entry.stated?.method ?? (entry.stored ? 0 : 8), 4);
    if (entry.mtime) writeDosTime(common, entry.mtime);
    common.writeUInt32LE(entry.stated?.crc32 ?? crc32(content), 10);
    common.writeUInt32LE(zip64 ? saysNothing : packed.length, 14);
    common.writeUInt32LE(zip64 ? saysNothing : size, 18);
    common.writeUInt16LE(name.length, 22);

    const localExtra = zip64 ? extra64(size, packed.length) : Buffer.alloc(0);
    common.writeUInt16LE(localExtra.length, 24);
    parts.push(Buffer.from("PK\x03\x04"), Buffer.from(common), name, localExtra, packed);

    const directoryExtra = Buffer.concat([
      zip64 ? extra64(size, packed.length, offset) : Buffer.alloc(0),
      entry.mtime && entry.isExact ? exactTime(entry.mtime) : Buffer.alloc(0),
      Buffer.from(entry.extra ?? []),
    ]);
    common.writeUInt16LE(directoryExtra.length, 24);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(entry.dosAttributes ?? ((entry.mode ?? 0) << 16) >>> 0, 6);
    tail.writeUInt32LE(zip64 ? saysNothing : offset, 10);
    directory.push(
      Buffer.from("PK\x01\x02"),
      Buffer.from([20, entry.dosAttributes === undefined ? 3 : 0]),
      common,
      tail,
      name,
      directoryExtra,
    );
    offset += 30 + name.length + localExtra.length + packed.length;
  }
  const directoryBytes = Buffer.concat(directory);
  const count = statedCount ?? entries.length;
  const end64 = zip64 ? endOfDirectory64(count, directoryBytes.length, offset) : Buffer.alloc(0);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(zip64 ? 0xffff : count, 8);
  end.writeUInt16LE(zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(zip64 ? saysNothing : directoryBytes.length, 12);
  end.writeUInt32LE(zip64 ? saysNothing : offset, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...parts, directoryBytes, end64, end, Buffer.from(comment)]);
}

function writeDosTime(common: Buffer, time: Date): void {
  common.writeUInt16LE((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1), 6);
  common.writeUInt16LE(
    (Math.max(0, time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
    8,
  );
}

function exactTime(time: Date): Buffer {
  const extra = Buffer.from([0x55, 0x54, 5, 0, 1, 0, 0, 0, 0]);
  extra.writeInt32LE(time.getTime() / 1000, 5);
  return extra;
}

function extra64(...numbers: number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * numbers.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * numbers.length, 2);
  for (const [index, number] of numbers.entries()) extra.writeBigUInt64LE(BigInt(number), 4 + 8 * index);
  return extra;
}

function endOfDirectory64(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.write("PK\x06\x06");
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.write("PK\x06\x07", 56);
  record.writeBigUInt64LE(BigInt(offset + size), 64);
  record.writeUInt32LE(1, 72);
  return record;
}
