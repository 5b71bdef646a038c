import { expect, test } from "bun:test";
import type { ArchiveEntry } from "../../../src/prepare/archives/zip-archive.ts";
import { withoutOverwritten } from "../../../src/prepare/archives/zip-order.ts";

/** `d a/b` is a directory, `l` a link, `f` a file. */
function parse(text: string): ArchiveEntry {
  const kind = ({ d: "directory", l: "link", f: "file" } as const)[text[0] as "d"];
  const path = text.slice(2);
  return { path, kind, mode: 0, mtime: 0, size: 0, compressedSize: 0, isCompressed: false, crc32: 0, headerAt: 0 };
}

test.each([
  ["nothing in the way", ["d a", "f a/b", "l c", "f a/d/e"], ["d a", "f a/b", "l c", "f a/d/e"]],
  ["one name twice", ["f a", "f b", "f a"], ["f b", "f a"]],
  ["a directory twice", ["d a", "f a/b", "d a"], ["f a/b", "d a"]],
  ["a file where a directory comes", ["f a", "f a/b"], ["f a/b"]],
  ["a link far above", ["l a", "d a/b/c/d"], ["d a/b/c/d"]],
  ["a link in the place of all that was below", ["d a", "f a/b", "d a/c/d", "l a"], ["l a"]],
  ["to and fro", ["f a/b", "l a", "f a/c", "f a"], ["f a"]],
  ["names that only begin alike", ["f a", "f ab/c", "f a.b"], ["f a", "f ab/c", "f a.b"]],
])("%s", (_, entries, left) => {
  expect(withoutOverwritten(entries.map(parse))).toEqual(left.map(parse));
});
