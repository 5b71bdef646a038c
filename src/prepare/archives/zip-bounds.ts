/** Where in a file the zip archive begins and ends: other bytes may stand before it and behind it. */
import fs from "node:fs";

const signature = {
  entry: 0x0201_4b50,
  end: 0x0605_4b50,
  end64: 0x0606_4b50,
  locator64: 0x0706_4b50,
} as const;

/** Bytes of the archive's end, of its 64-bit form (without what may extend it), and of what says where that one is. */
const length = { end: 22, end64: 56, locator64: 20 } as const;

/** Bytes a comment behind the end may have. */
const maxComment = 0xffff;

/** Positions in the file; the offsets an archive states count from `begin`. A comment behind the end is left out. */
export interface ZipBounds {
  readonly begin: number;
  readonly end: number;
}

/**
 * Finds the archive as Go's and Info-ZIP's readers do: by its end, looked for from behind, and by where its directory
 * stands against where it says to stand. A program that unpacks itself has its code in front of the archive.
 * @param size of the file, bytes
 * @returns the whole file where no end is found: reading it tells what is wrong
 */
export function findZip(fd: number, size: number): ZipBounds {
  const tail = bytesAt(fd, Math.max(0, size - length.end - maxComment), size);
  for (let at = tail.length - length.end; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== signature.end) continue;
    const endAt = size - tail.length + at;
    const end = tail.subarray(at, at + length.end);
    const offset = end.readUInt32LE(16);
    const { begin, directoryAt } = find64(fd, endAt) ?? place(fd, endAt, end.readUInt32LE(12), offset);
    // The same four bytes may stand in a comment, or in what follows.
    if (isAt(fd, directoryAt, signature.entry) || isEmpty(end)) return { begin, end: endAt + length.end };
  }
  return { begin: 0, end: size };
}

function isEmpty(end: Buffer): boolean {
  return end.subarray(4, 20).every((byte) => byte === 0);
}

interface Place {
  readonly begin: number;
  readonly directoryAt: number;
}

/** @param endAt where the directory ends, @param offset where it says to begin */
function place(fd: number, endAt: number, directorySize: number, offset: number): Place {
  const begin = endAt - directorySize - offset;
  // Where the stated offset is right as it stands, it is the stated size that is wrong.
  if (begin <= 0 || isAt(fd, offset, signature.entry)) return { begin: 0, directoryAt: offset };
  return { begin, directoryAt: begin + offset };
}

/** The same by the 64-bit end; `undefined`: the archive has none. */
function find64(fd: number, endAt: number): Place | undefined {
  const locatorAt = endAt - length.locator64;
  if (!isAt(fd, locatorAt, signature.locator64)) return undefined;
  const stated = Number(bytesAt(fd, locatorAt + 8, locatorAt + 16).readBigUInt64LE());
  // With bytes in front of the archive it stands further behind than stated, and right before the locator.
  const foundAt = isAt(fd, stated, signature.end64) ? stated : locatorAt - length.end64;
  const end64 = bytesAt(fd, foundAt, foundAt + length.end64);
  if (end64.length < length.end64 || end64.readUInt32LE() !== signature.end64) return undefined;
  return place(fd, foundAt, Number(end64.readBigUInt64LE(40)), Number(end64.readBigUInt64LE(48)));
}

function isAt(fd: number, position: number, expected: number): boolean {
  const bytes = bytesAt(fd, position, position + 4);
  return bytes.length === 4 && bytes.readUInt32LE() === expected;
}

/** What the file has of these bytes; none for positions that cannot be. */
function bytesAt(fd: number, from: number, to: number): Buffer {
  if (!(from >= 0 && to <= Number.MAX_SAFE_INTEGER)) return Buffer.alloc(0);
  const bytes = Buffer.alloc(to - from);
  return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, from));
}
