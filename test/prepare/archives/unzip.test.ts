import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { systemClock } from "../../../src/clock.ts";
import { symbolicLink } from "../../support/zip-writer.ts";
import { failureOf, filesIn, modeOf, newPlace, unpackEntries } from "./archive-world.ts";

const textOf = (path: string) => readFileSync(path, "utf8");

describe("modes", () => {
  test("are the archive's, with the owner's r and x for all, without set-user-id and its like; else 644 and 755", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "script", content: "x", mode: 0o100755 },
        { name: "secret", content: "x", mode: 0o100600 },
        { name: "tool", content: "x", mode: 0o100700 },
        { name: "writable", content: "x", mode: 0o100620 },
        { name: "own/", mode: 0o040700 },
        { name: "not-searchable/", mode: 0o040644 },
        { name: "closed/", mode: 0o040300 },
        { name: "all", content: "x", mode: 0o100666 },
        { name: "setuid", content: "x", mode: 0o104755 },
        { name: "plain", content: "x" },
        { name: "kind-only", content: "x", mode: 0o100000 },
        { name: "open/", mode: 0o041777 },
        { name: "plain-directory/" },
        { name: "implied/x", content: "x" },
      ],
      target,
    );
    const modes = Object.fromEntries(readdirSync(target).map((name) => [name, modeOf(`${target}/${name}`)]));
    expect(modes).toEqual({
      script: "755",
      secret: "644",
      tool: "755",
      writable: "664",
      own: "755",
      "not-searchable": "755",
      closed: "311",
      all: "666",
      setuid: "755",
      plain: "644",
      "kind-only": "644",
      open: "777",
      "plain-directory": "755",
      implied: "755",
    });
  });

  test("a umask changes none of them", async () => {
    const { outer } = newPlace();
    const target = `${outer}/missing/task`;
    const before = process.umask(0o077);
    try {
      await unpackEntries([{ name: "a/b", content: "x", mode: 0o100777 }, { name: "c/" }], target);
    } finally {
      process.umask(before);
    }
    const modes = ["..", ".", "a", "a/b", "c"].map((name) => modeOf(`${target}/${name}`));
    expect(modes).toEqual(["755", "755", "755", "777", "755"]);
  });

  test("a directory nobody may write to is filled first", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "closed/inner/", mode: 0o040500 },
        { name: "closed/", mode: 0o040555 },
        { name: "closed/inner/x", content: "x" },
      ],
      target,
    );
    expect(modeOf(`${target}/closed`)).toBe("555");
    expect(modeOf(`${target}/closed/inner`)).toBe("555");
  });
});

describe("times", () => {
  const time = new Date("2021-03-04T05:06:07Z");
  const timeOf = (path: string) => lstatSync(path).mtime.toISOString();

  test("are the entries', of files, links and directories", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "lib/", mtime: time, isExact: true },
        { name: "lib/file", content: "x", mtime: time, isExact: true },
        { ...symbolicLink("lib/link", "missing"), mtime: time, isExact: true },
        { name: "dos", content: "x", mtime: time },
      ],
      target,
    );
    for (const name of ["lib", "lib/file", "lib/link"]) {
      expect([name, timeOf(`${target}/${name}`)]).toEqual([name, time.toISOString()]);
    }
    // DOS counts in two seconds.
    expect(timeOf(`${target}/dos`)).toBe("2021-03-04T05:06:06.000Z");
  });

  test("a time long ago, and one in days to come", async () => {
    const { target } = newPlace();
    const times = [new Date("1950-01-01T00:00:00Z"), new Date("2037-12-31T23:59:59Z")];
    await unpackEntries(
      times.map((mtime, index) => ({ name: `${index}`, content: "x", mtime, isExact: true })),
      target,
    );
    expect(timeOf(`${target}/0`)).toBe("1970-01-01T00:00:00.000Z");
    expect(timeOf(`${target}/1`)).toBe("2037-12-31T23:59:59.000Z");
  });
});

describe("what stands in the way", () => {
  test("a longer file is replaced whole, with its mode; other files stay", async () => {
    const { target } = newPlace();
    mkdirSync(target);
    writeFileSync(`${target}/app`, "much longer than the new one", { mode: 0o777 });
    writeFileSync(`${target}/other`, "stays");
    await unpackEntries([{ name: "app", content: "new", mode: 0o100640 }], target);
    expect(textOf(`${target}/app`)).toBe("new");
    expect(modeOf(`${target}/app`)).toBe("644");
    expect(textOf(`${target}/other`)).toBe("stays");
  });

  test("a symbolic link is replaced by the file, and what it led to stays", async () => {
    const { outer, target } = newPlace();
    mkdirSync(target);
    writeFileSync(`${outer}/precious`, "precious");
    symlinkSync(`${outer}/precious`, `${target}/app`);
    symlinkSync(`${outer}/missing`, `${target}/dangling`);
    await unpackEntries(
      [
        { name: "app", content: "new" },
        { name: "dangling", content: "new" },
      ],
      target,
    );
    expect(textOf(`${outer}/precious`)).toBe("precious");
    expect(lstatSync(`${target}/app`).isFile()).toBe(true);
    expect(filesIn(outer)).toEqual(["precious", "task", "task/app", "task/dangling", "tmp"]);
  });

  test("a file or link is replaced by a link", async () => {
    const { target } = newPlace();
    mkdirSync(target);
    writeFileSync(`${target}/one`, "old");
    symlinkSync("elsewhere", `${target}/two`);
    await unpackEntries([symbolicLink("one", "new"), symbolicLink("two", "new")], target);
    expect([readlinkSync(`${target}/one`), readlinkSync(`${target}/two`)]).toEqual(["new", "new"]);
  });

  test.each([
    ["a symbolic link", (path: string) => symlinkSync("../tmp", path)],
    ["a file", (path: string) => writeFileSync(path, "")],
  ])("%s where a directory is needed is replaced, never followed", async (_, make) => {
    for (const name of ["lib/x", "lib/", "lib/deep/x"]) {
      const { outer, target } = newPlace();
      mkdirSync(target);
      make(`${target}/lib`);
      await unpackEntries([{ name }], target);
      expect(lstatSync(`${target}/lib`).isDirectory()).toBe(true);
      expect(filesIn(`${outer}/tmp`)).toEqual([]);
    }
  });

  test("a directory is replaced by a file or a link; what a link in it leads to stays", async () => {
    for (const entry of [{ name: "app" }, symbolicLink("app", "x")]) {
      const { outer, target } = newPlace();
      mkdirSync(`${target}/app/inner`, { recursive: true });
      writeFileSync(`${outer}/tmp/precious`, "");
      symlinkSync(`${outer}/tmp`, `${target}/app/out`);
      await unpackEntries([entry], target);
      expect(lstatSync(`${target}/app`).isDirectory()).toBe(false);
      expect(filesIn(`${outer}/tmp`)).toEqual(["precious"]);
    }
  });

  test("the target may itself be a link to a directory", async () => {
    const { outer, target } = newPlace();
    mkdirSync(`${outer}/real`);
    symlinkSync("real", target);
    await unpackEntries([{ name: "app", content: "x" }], target);
    expect(textOf(`${outer}/real/app`)).toBe("x");
  });
});

describe("symbolic links", () => {
  test("stay as they are: to neighbours, up, out of the tree, and to what is missing", async () => {
    const { target } = newPlace();
    const links = {
      "bin/run": "../lib/run.js",
      current: "lib",
      "a/b/c": "../..",
      "lib/gone": "./missing",
      out: "../../..",
      "lib/round-about": "../bin/../lib/run.js",
      absolute: "/etc/passwd",
    };
    await unpackEntries(
      [...Object.entries(links).map(([name, to]) => symbolicLink(name, to)), { name: "lib/run.js", content: "run" }],
      target,
    );
    for (const [name, to] of Object.entries(links)) expect(readlinkSync(`${target}/${name}`)).toBe(to);
    expect(textOf(`${target}/bin/run`)).toBe("run");
  });

  test.each([
    ["a link that comes first", [symbolicLink("lib", "../tmp"), { name: "lib/x", content: "x" }], ["lib", "lib/x"]],
    ["a link far above", [symbolicLink("lib", "../tmp"), { name: "lib/deep/x" }], ["lib", "lib/deep", "lib/deep/x"]],
    ["a link that comes later", [{ name: "lib/x" }, { name: "lib/y/" }, symbolicLink("lib", "../tmp")], ["lib"]],
    [
      "a link that came and went",
      [symbolicLink("lib", "../tmp"), { name: "lib/" }, { name: "lib/x" }],
      ["lib", "lib/x"],
    ],
    [
      "a link between",
      [{ name: "lib/x" }, symbolicLink("lib", "../tmp"), { name: "lib/y" }],
      ["lib", "lib/x", "lib/y"],
    ],
    ["a file", [{ name: "lib", content: "x" }, { name: "lib/x" }], ["lib", "lib/x"]],
  ])("nothing is written through one: %s", async (_, entries, left) => {
    const { outer, target } = newPlace();
    await unpackEntries(entries, target);
    expect(filesIn(`${outer}/tmp`)).toEqual([]);
    expect(filesIn(target).filter((path) => existsSync(`${target}/${path}`))).toEqual(left);
  });

  test("come last: where a file fails, no link is there yet", async () => {
    const { target } = newPlace();
    const entries = [symbolicLink("link", "x"), { name: "bad", content: "x", stated: { crc32: 1 } }];
    expect(await failureOf(unpackEntries(entries, target))).toContain("checksum");
    expect(filesIn(target)).toEqual([]);
  });

  test("of two entries with one name the later one counts, link or file", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "one", content: "file" },
        symbolicLink("one", "x"),
        symbolicLink("two", "x"),
        { name: "two", content: "file" },
        { name: "three", content: "first, and longer" },
        { name: "./three", content: "last" },
      ],
      target,
    );
    expect(readlinkSync(`${target}/one`)).toBe("x");
    expect(textOf(`${target}/two`)).toBe("file");
    expect(textOf(`${target}/three`)).toBe("last");
  });
});

describe("much of it", () => {
  test("other work of the process has its turn meanwhile", async () => {
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    let now = 0;
    const slowClock = { ...systemClock, now: () => (now += 1000) };
    setImmediate(turn);
    const entries = Array.from({ length: 50 }, (_, index) => ({ name: `${index}` }));
    await unpackEntries(entries, newPlace().target, {}, slowClock);
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(50);
  });

  test("5,000 small files", async () => {
    const { target } = newPlace();
    const entries = Array.from({ length: 5000 }, (_, index) => ({
      name: `${index % 50}/${index}`,
      content: `file ${index}`,
    }));
    await unpackEntries(entries, target);
    expect(filesIn(target)).toHaveLength(5050);
    for (const index of [0, 2345, 4999]) expect(textOf(`${target}/${index % 50}/${index}`)).toBe(`file ${index}`);
  });

  test("files above a megabyte, compressed and stored", async () => {
    const { target } = newPlace();
    const content = Buffer.alloc(5_000_001, "0123456789 and so on");
    await unpackEntries(
      [
        { name: "compressed", content, mode: 0o100755 },
        { name: "stored", content, stored: true },
      ],
      target,
    );
    for (const name of ["compressed", "stored"]) {
      expect(readFileSync(`${target}/${name}`).equals(content)).toBe(true);
    }
    expect(modeOf(`${target}/compressed`)).toBe("755");
  });
});
