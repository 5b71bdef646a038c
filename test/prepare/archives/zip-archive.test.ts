import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createDeflateRaw } from "node:zlib";
import { maxUnpackedBytes } from "../../../src/prepare/archives/zip-archive.ts";
import { maxEntries } from "../../../src/prepare/archives/zip-directory.ts";
import { symbolicLink, writeZip, type ZipEntry } from "../../support/zip-writer.ts";
import { failureOf, filesIn, modeOf, newPlace, unpackBytes, unpackEntries } from "./archive-world.ts";

const big = Buffer.alloc(3_000_000, "big ");

/** Refused before the first file is written; the error names the entry. */
async function expectRefused(entries: readonly ZipEntry[], name: string, problem: string): Promise<void> {
  const { outer, target } = newPlace();
  const failure = await failureOf(unpackEntries([{ name: "first", content: "x" }, ...entries], target));
  expect(failure).toStartWith(`entry ${JSON.stringify(name)}: `);
  expect(failure).toContain(problem);
  expect(filesIn(outer)).toEqual(["tmp"]);
}

describe("names that lead out of the target", () => {
  test.each([
    ["../evil", "leads out"],
    ["a/../../evil", "leads out"],
    ["a/../..", "leads out"],
    ["../", "leads out"],
    ["/tmp/evil", "absolute"],
    ["/", "absolute"],
    ["a\0b", "NUL"],
    ["", "no name"],
  ])("%j is refused: %s", (name, problem) => expectRefused([{ name }], name, problem));

  test.each(["..evil", "..\\evil", "wwwroot\\app.css", "a/...", "a..b/c", "C:/d", " ", "ä/ö", "a//b", "./a/./b"])(
    "%j stays inside",
    async (name) => {
      const { outer, target } = newPlace();
      await unpackEntries([{ name, content: "x" }], target);
      expect(readFileSync(`${target}/${name}`, "utf8")).toBe("x");
      expect(filesIn(outer).filter((path) => !path.startsWith("t"))).toEqual([]);
    },
  );

  test("a name that goes up and stays inside", async () => {
    const { outer, target } = newPlace();
    await unpackEntries([{ name: "a/../b/./c/..//d", content: "x" }, { name: "a/../" }], target);
    expect(filesIn(outer)).toEqual(["task", "task/b", "task/b/d", "tmp"]);
  });

  test("names are UTF-8 where they can be, and the old code page where not", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "grüße", notUtf8: true },
        { name: Buffer.from([0x67, 0x81, 0x2e]), notUtf8: true },
      ],
      target,
    );
    expect(filesIn(target)).toEqual(["grüße", "gü."]);
  });
});

test("a link whose target no link can have, as it is too long, is refused", () => {
  return expectRefused([symbolicLink("link", "x".repeat(5000))], "link", "5000 bytes");
});

describe("bombs", () => {
  test("more bytes than allowed in all are refused, at the entry that goes over", async () => {
    const most = { name: "most", stated: { size: 4_000_000_000 } };
    const entries = [most, { ...most, name: "more" }, { ...most, name: "too much" }];
    expect(maxUnpackedBytes).toBeWithin(8_000_000_000, 12_000_000_000);
    await expectRefused(entries, "too much", "zip bomb");
  });

  test.each([
    ["small", "x".repeat(100_000), 10],
    ["empty", "x".repeat(100_000), 0],
    ["one too few", "x".repeat(100_000), 99_999],
    ["big", big, 2_000_000],
    ["big and one too few", big, big.length - 1],
  ])("%s: more bytes than the entry states are refused, and no file is left", async (name, content, size) => {
    const { target } = newPlace();
    const failure = await failureOf(unpackEntries([{ name, content, stated: { size } }], target));
    expect(failure).toContain(`entry "${name}": it has more than the ${size} bytes the archive states`);
    expect(filesIn(target)).toEqual([]);
  });

  test("a small entry is not unpacked any further than it states", async () => {
    const zeros = Buffer.alloc(2 ** 20);
    const deflate = createDeflateRaw();
    for (let megabyte = 0; megabyte < 300; megabyte++) deflate.write(zeros);
    deflate.end();
    const bomb = Buffer.concat(await Array.fromAsync(deflate as AsyncIterable<Buffer>));
    expect(bomb.length).toBeLessThan(2 ** 20);
    const entries = [{ name: "bomb", packed: bomb, stated: { size: 10 } }];
    const before = process.resourceUsage().maxRSS;
    expect(await failureOf(unpackEntries(entries, newPlace().target))).toContain("more than the 10 bytes");
    // KiB; unpacked whole it would be 300 MiB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(100_000);
  });

  test("more entries than allowed", async () => {
    const names = Array.from({ length: maxEntries + 1 }, (_, index) => ({ name: `${index}`, stored: true }));
    const bytes = writeZip(names, { zip64: true });
    expect(await failureOf(unpackBytes(bytes, newPlace().target))).toContain(`more than ${maxEntries} entries`);
  });
});

describe("damage", () => {
  test.each([
    ["small", "some text some text some text", false],
    ["small and stored", "some text some text some text", true],
    ["big", big, false],
    ["big and stored", big, true],
  ])("a flipped bit in a file that is %s", async (name, content, stored) => {
    const { target } = newPlace();
    const bytes = writeZip([{ name, content, stored }]);
    const at = stored ? 30 + name.length + 10 : 30 + name.length + 5;
    bytes[at] = (bytes[at] as number) ^ 4;
    expect(await failureOf(unpackBytes(bytes, target))).toStartWith(`entry "${name}": `);
    expect(filesIn(target)).toEqual([]);
  });

  test.each([["small", "text"] as const, ["big", big] as const])("a wrong checksum, %s", async (name, content) => {
    const { target } = newPlace();
    const failure = await failureOf(unpackEntries([{ name, content, stated: { crc32: 1 } }], target));
    expect(failure).toContain(`entry "${name}": its bytes do not match their checksum`);
    expect(filesIn(target)).toEqual([]);
  });

  test.each([["small", "text"] as const, ["big", big] as const])(
    "fewer bytes than stated, %s",
    async (name, content) => {
      const size = content.length + 1;
      const failure = await failureOf(unpackEntries([{ name, content, stated: { size } }], newPlace().target));
      expect(failure).toContain(`entry "${name}": it has ${content.length} bytes, the archive states ${size}`);
    },
  );

  test("cut at any place", async () => {
    const { target } = newPlace();
    const bytes = writeZip([
      { name: "a", content: "text" },
      { name: "b", content: "x".repeat(100) },
    ]);
    for (let length = 0; length < bytes.length; length++) {
      expect(await failureOf(unpackBytes(bytes.subarray(0, length), target))).not.toBe("");
    }
    expect(existsSync(target)).toBe(false);
  });

  test("any byte of the directory set to 255 ends in a result or an error, never in silence", async () => {
    const { outer, target } = newPlace();
    for (const zip64 of [false, true]) {
      const good = writeZip([{ name: "a", content: "text" }, symbolicLink("b", "a")], { zip64 });
      for (let at = 0; at < good.length; at++) {
        const bytes = Buffer.from(good);
        bytes[at] = 255;
        await unpackBytes(bytes, target).catch(() => {});
      }
    }
    expect(filesIn(outer).filter((path) => !path.startsWith("t"))).toEqual([]);
  });

  test("not a zip, as a page that says 'not found'", async () => {
    const failure = await failureOf(unpackBytes(Buffer.from("<html>not found</html>"), newPlace().target));
    expect(failure).toContain("not a zip file");
  });
});

describe("what cannot be unpacked", () => {
  test.each([
    ["encrypted", { encrypted: true }, "encrypted"],
    ["packed otherwise", { stated: { method: 93 } }, "method 93"],
    [".", { mode: 0o100644 }, "in place of the target"],
  ])("%s", (name, rest, problem) => expectRefused([{ name, ...rest }], name, problem));

  test.each([1, 3])("another number of entries than the archive says it has: %d", async (statedCount) => {
    const bytes = writeZip([{ name: "a" }, { name: "b" }], { statedCount });
    const failure = await failureOf(unpackBytes(bytes, newPlace().target));
    expect(failure).toContain(`states ${statedCount} entries but has 2`);
  });
});

describe("unusual but right", () => {
  test("an empty archive makes the directory", async () => {
    const { target } = newPlace();
    await unpackEntries([], target);
    expect(filesIn(target)).toEqual([]);
  });

  test("sizes and offsets in 64 bits", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "a", content: "text" },
        { name: "big", content: big },
      ],
      target,
      { zip64: true },
    );
    expect(readFileSync(`${target}/a`, "utf8")).toBe("text");
    expect(readFileSync(`${target}/big`).equals(big)).toBe(true);
  });

  test("empty files, the target itself, a directory known by its mode only", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "./", mode: 0o040711 },
        { name: "empty" },
        { name: "empty-stored", stored: true },
        { name: "directory", mode: 0o040755 },
        { name: "directory/x" },
      ],
      target,
    );
    expect(filesIn(target)).toEqual(["directory", "directory/x", "empty", "empty-stored"]);
    expect(modeOf(target)).toBe("755");
  });

  const plain = [{ name: "a", content: "text" }, symbolicLink("b", "a")];
  const stub = Buffer.from('#!/bin/sh\nexec unzip "$0"\n');
  test.each([
    ["before it", [stub, writeZip(plain)]],
    ["before it, sizes and offsets in 64 bits", [stub, writeZip(plain, { zip64: true })]],
    ["before it, another zip", [writeZip([{ name: "other", content: "x" }]), writeZip(plain)]],
    ["behind it", [writeZip(plain), Buffer.from("\n")]],
    ["on both sides", [stub, writeZip(plain), Buffer.alloc(100)]],
    ["in a comment", [writeZip(plain, { comment: "made by hand" }), Buffer.from("\n")]],
    ["in a comment that look like an end", [stub, writeZip(plain, { comment: `PK\x05\x06${"\0 ".repeat(40)}` })]],
    [
      "behind it that look like an end",
      [writeZip(plain, { zip64: true }), Buffer.from(`PK\x05\x06${"\0 ".repeat(40)}`)],
    ],
  ])("bytes %s", async (_, parts) => {
    const { target } = newPlace();
    await unpackBytes(Buffer.concat(parts), target);
    expect(filesIn(target)).toEqual(["a", "b"]);
    expect(readFileSync(`${target}/b`, "utf8")).toBe("text");
  });

  test.each([
    ["padding", [0, 0, 0]],
    ["a field longer than what is left", [0xfe, 0xca, 200, 0, 1]],
    ["a good field before such a one", [0xfe, 0xca, 1, 0, 7, 0xfe, 0xca, 255, 255]],
  ])("entries whose further fields end in %s", async (_, extra) => {
    const { target } = newPlace();
    const mtime = new Date("2021-03-04T05:06:08Z");
    const entries = [1, 2].map((name) => ({
      name: `${name}`,
      content: "text",
      extra: Uint8Array.from(extra),
      mtime,
      isExact: true,
    }));
    await unpackEntries(entries, target);
    expect(filesIn(target)).toEqual(["1", "2"]);
    expect(statSync(`${target}/2`).mtime).toEqual(mtime);
  });

  test("entries whose names are as long as the rest of their lines", async () => {
    const { target } = newPlace();
    const names = ["x", "y", "z"].map((letter) => letter.repeat(46));
    await unpackEntries(
      names.map((name) => ({ name, content: name })),
      target,
    );
    expect(filesIn(target)).toEqual(names);
  });

  test("an archive that counts its entries in 16 bits and has more", async () => {
    const { target } = newPlace();
    const entries = Array.from({ length: 65_537 }, (_, index) => ({
      name: `${index % 100}`,
      content: `${index}`,
      stored: true,
    }));
    await unpackEntries(entries, target, { statedCount: 1 });
    expect(filesIn(target)).toHaveLength(100);
    expect(readFileSync(`${target}/36`, "utf8")).toBe("65536");
  });

  test("directories and files by DOS's attributes", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "sub", dosAttributes: 0x10 },
        { name: "sub/read-only", content: "x", dosAttributes: 0x21 },
        { name: "hidden", dosAttributes: 0x12 },
        { name: "with-a-mode", content: "x", dosAttributes: (0o100755 << 16) >>> 0 },
      ],
      target,
    );
    const names = ["sub", "sub/read-only", "hidden", "with-a-mode"];
    expect(names.map((name) => modeOf(`${target}/${name}`))).toEqual(["755", "644", "755", "755"]);
    expect(names.map((name) => statSync(`${target}/${name}`).isDirectory())).toEqual([true, false, true, false]);
  });

  test("a pipe or a device is a file, as its bytes are", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "pipe", content: "x", mode: 0o010644 },
        { name: "device", mode: 0o060644 },
      ],
      target,
    );
    expect(filesIn(target).map((name) => statSync(`${target}/${name}`).isFile())).toEqual([true, true]);
  });

  test.each(["", "a\0b"])("a link to %j, which Linux cannot have, is left out", async (to) => {
    const { target } = newPlace();
    await unpackEntries([symbolicLink("link", to), { name: "a", content: "x" }], target);
    expect(filesIn(target)).toEqual(["a"]);
  });
});
