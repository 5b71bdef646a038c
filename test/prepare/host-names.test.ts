import { describe, expect, test } from "bun:test";
import { addHostNames } from "../../src/prepare/host-names.ts";

/** The text of `/etc/hosts` afterwards, and how often it was written. */
function run(before: string | undefined, failing?: "read" | "append") {
  let text = before;
  let writes = 0;
  const fail = (call: string) => {
    if (call === failing) throw new Error(`EROFS: read-only file system, ${call}`);
  };
  const system = {
    read(path: string) {
      expect(path).toBe("/etc/hosts");
      fail("read");
      return text;
    },
    append(_: string, more: string) {
      fail("append");
      writes++;
      text = `${text}${more}`;
    },
  };
  addHostNames(system);
  addHostNames(system);
  return { text, writes };
}

const line = "127.0.0.1\tsandbox sandbox.localdomain\n";

describe("both names are added once", () => {
  test.each([
    ["127.0.0.1\tlocalhost\n::1\tlocalhost\n", "127.0.0.1\tlocalhost\n::1\tlocalhost\n"],
    ["127.0.0.1 localhost", "127.0.0.1 localhost\n"],
    ["", ""],
    ["127.0.0.1 localhost # sandbox sandbox.localdomain\n", "127.0.0.1 localhost # sandbox sandbox.localdomain\n"],
    ["127.0.0.1 sandboxes my.sandbox\n", "127.0.0.1 sandboxes my.sandbox\n"],
  ])("to %j", (before, kept) => {
    expect(run(before)).toEqual({ text: kept + line, writes: 1 });
  });
});

test.each([
  ["172.17.0.2 sandbox\n", "172.17.0.2 sandbox\n127.0.0.1\tsandbox.localdomain\n", 1],
  ["172.17.0.2\tx sandbox.localdomain  sandbox\n", "172.17.0.2\tx sandbox.localdomain  sandbox\n", 0],
])("a name that is known in %j stays as it is", (before, text, writes) => {
  expect(run(before)).toEqual({ text, writes });
});

test("a file that is missing, read-only or unreadable is no error", () => {
  expect(run(undefined)).toEqual({ text: undefined, writes: 0 });
  expect(run("a b\n", "append")).toEqual({ text: "a b\n", writes: 0 });
  expect(run("a b\n", "read")).toEqual({ text: "a b\n", writes: 0 });
});
