import { describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../src/clock.ts";
import { symbolicLink } from "../../support/zip-writer.ts";
import { failureOf, filesIn, modeOf, newPlace, unpackEntries } from "./archive-world.ts";

const textOf = (path: string) => readFileSync(path, "utf8");

describe("modes", () => {
  test("are the archive's, without set-user-id and its like; without a mode 644 and 755", async () => {
    const { target } = newPlace();
    await unpackEntries(
      [
        { name: "script", content: "x", mode: 0o100755 },
        { name: "secret", content: "x", mode: 0o100600 },
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
    const names = ["script", "secret", "all", "setuid", "plain", "kind-only", "open", "plain-directory", "implied"];
    const modes = names.map((name) => modeOf(`${target}/${name}`));
    expect(modes).toEqual(["755", "600", "666", "755", "644", "644", "777", "755", "755"]);
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
    expect(modeOf(`${target}/closed/inner`)).toBe("500");
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
    expect(modeOf(`${target}/app`)).toBe("640");
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
  ])("%s where a directory is needed is refused, never followed", async (what, make) => {
    for (const name of ["lib/x", "lib/", "lib/deep/x"]) {
      const { outer, target } = newPlace();
      mkdirSync(target);
      make(`${target}/lib`);
      const failure = await failureOf(unpackEntries([{ name }], target));
      expect(failure).toContain(JSON.stringify(name.replace(/\/$/, "")));
      expect(failure).toEndWith(`/lib must be a directory for it, but is ${what}`);
      expect(filesIn(outer)).toEqual(["task", "task/lib", "tmp"]);
    }
  });

  test("a directory is replaced by neither file nor link", async () => {
    const { target } = newPlace();
    mkdirSync(`${target}/app`, { recursive: true });
    for (const entry of [{ name: "app" }, symbolicLink("app", "x")]) {
      expect(await failureOf(unpackEntries([entry], target))).toContain('"app": a directory stands in its place');
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
  test("stay links, to neighbours, up within the tree, and to what is missing", async () => {
    const { target } = newPlace();
    const links = { "bin/run": "../lib/run.js", current: "lib", "a/b/c": "../..", "lib/gone": "./missing" };
    await unpackEntries(
      [...Object.entries(links).map(([name, to]) => symbolicLink(name, to)), { name: "lib/run.js", content: "run" }],
      target,
    );
    for (const [name, to] of Object.entries(links)) expect(readlinkSync(`${target}/${name}`)).toBe(to);
    expect(textOf(`${target}/bin/run`)).toBe("run");
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
