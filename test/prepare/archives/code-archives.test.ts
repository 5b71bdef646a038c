import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { unpackCodeArchives } from "../../../src/prepare/archives/code-archives.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { symbolicLink } from "../../support/zip-writer.ts";
import { app, serve, stopServers, unpack, zipOf } from "./archive-server.ts";
import { failureOf, filesIn, newPlace } from "./archive-world.ts";

afterEach(stopServers);

describe("several archives", () => {
  test("are fetched at once and unpacked in their order: the later one wins", async () => {
    const asked: string[] = [];
    const bothAsked = Promise.withResolvers<void>();
    const root = serve(async (path) => {
      asked.push(path);
      if (asked.length === 2) bothAsked.resolve();
      await bothAsked.promise;
      return app(path);
    });
    const unpacked = unpack([`${root}/1`, `${root}/2`]);
    await unpacked.done();
    expect(unpacked.app()).toBe("/2");
    expect(filesIn(unpacked.outer)).toEqual(["task", "task/app", "tmp"]);
  });

  test("are all fetched and checked before the first is unpacked", async () => {
    const last = Promise.withResolvers<Response>();
    const root = serve((path) => (path === "/1" ? app("1") : last.promise));
    const unpacked = unpack([`${root}/1`, `${root}/2`]);
    last.resolve(new Response("no zip"));
    expect(await unpacked.failure()).toStartWith(`the code archive ${root}/2 cannot be used: `);
    expect(filesIn(unpacked.outer)).toEqual(["tmp"]);
  });

  test("one that fails ends the download of the others", async () => {
    const root = serve((path) => (path === "/1" ? new Promise<Response>(() => {}) : new Response("", { status: 403 })));
    const unpacked = unpack([`${root}/1`, `${root}/2`]);
    expect(await unpacked.failure()).toContain(`${root}/2 cannot be used: the server answered 403`);
  });

  test("an error while unpacking names url, target and entry, and later archives stay packed", async () => {
    const root = serve((path) =>
      path === "/1" ? zipOf({ name: "bad", content: "x", stated: { crc32: 1 } }) : app("2"),
    );
    const unpacked = unpack([`${root}/1`, `${root}/2`]);
    expect(await unpacked.failure()).toStartWith(
      `the code archive ${root}/1 cannot be unpacked into ${unpacked.target}: entry "bad": its bytes`,
    );
    expect(filesIn(unpacked.outer)).toEqual(["task", "tmp"]);
  });

  test("a directory of a later one takes the place of an earlier one's link", async () => {
    const zips = [
      [{ name: "lib/a", content: "a" }, symbolicLink("python", "lib")],
      [{ name: "python/b", content: "b" }],
    ];
    const root = serve((path) => zipOf(...(zips[Number(path.slice(1))] ?? [])));
    const unpacked = unpack([`${root}/0`, `${root}/1`]);
    await unpacked.done();
    expect(filesIn(unpacked.target)).toEqual(["lib", "lib/a", "python", "python/b"]);
  });

  test.each([
    ["itself", "task/inner", "task/inner"],
    ["above", "task/inner", "task/inner/deep/er"],
    ["behind a link that was there", "task/inner", "way/inner"],
  ])("a later one's target does not lead through an earlier one's link: %s", async (_, link, target) => {
    const { outer, temporaryDirectory } = newPlace();
    const precious = `${outer}/precious`;
    mkdirSync(precious);
    symlinkSync(`${outer}/task`, `${outer}/way`);
    const root = serve((path) => (path === "/1" ? zipOf(symbolicLink(basename(link), precious)) : app("2")));
    const archives = [
      { url: `${root}/1`, target_path: `${outer}/${dirname(link)}` },
      { url: `${root}/2`, target_path: `${outer}/${target}` },
    ];
    await unpackCodeArchives(archives, { clock: new FakeClock(), temporaryDirectory });
    expect(filesIn(precious)).toEqual([]);
    expect(existsSync(`${outer}/${target}/app`)).toBe(true);
    expect(lstatSync(`${outer}/${link}`).isDirectory()).toBe(true);
  });

  test("tells the links that were made", async () => {
    const { target, temporaryDirectory } = newPlace();
    const root = serve(() => zipOf(symbolicLink("a/link", "/etc")));
    const archives = [{ url: root, target_path: target }];
    const links = await unpackCodeArchives(archives, { clock: new FakeClock(), temporaryDirectory });
    expect([...links]).toEqual([`${target}/a/link`]);
  });

  test("none is nothing to do", async () => {
    const { outer, done } = unpack([]);
    await done();
    expect(filesIn(outer)).toEqual(["tmp"]);
  });
});

describe("the temporary directory", () => {
  test("gets its space back: no file stays open, whether all goes well or not", async () => {
    const root = serve((path) => (path === "/good" ? app("x") : new Response("no zip")));
    const { outer: temporaryDirectory } = newPlace();
    const openThere = () => {
      const links = readdirSync("/proc/self/fd").map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return ""; // The one that was reading the list.
        }
      });
      return links.filter((path) => path.startsWith(temporaryDirectory));
    };
    for (const paths of [["/good"], ["/good", "/bad"]]) {
      const archives = paths.map((path) => ({ url: root + path, target_path: `${temporaryDirectory}/task` }));
      await unpackCodeArchives(archives, { clock: new FakeClock(), temporaryDirectory }).catch(() => {});
      expect(openThere()).toEqual([]);
    }
  });

  test("that is missing is named", async () => {
    const { outer, target } = newPlace();
    const options = { clock: new FakeClock(), temporaryDirectory: `${outer}/missing` };
    const work = unpackCodeArchives([{ url: "http://127.0.0.1:1/", target_path: target }], options);
    expect(await failureOf(work)).toContain(`${outer}/missing`);
    expect(existsSync(target)).toBe(false);
  });

  test("shows nothing of a download in progress, which a killed init would leave behind", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Response>();
    const root = serve(() => {
      asked.resolve();
      return answer.promise;
    });
    const { done, temporaryDirectory } = unpack([root]);
    await asked.promise;
    expect(filesIn(temporaryDirectory)).toEqual([]);
    answer.resolve(app("x"));
    await done();
  });
});
