/** The notices name everything that is in the binary, with its licence. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { type BunParts, partsOfBun, rowsBelow, withRows } from "../.ci/release/bun.ts";
import { bundledFiles } from "../.ci/release/bundle.ts";
import { licencesIn, textOf } from "../.ci/release/licence-texts.ts";
import { noticesText } from "../.ci/release/notices.ts";
import { type BundledPackage, bundledPackages, packageOf } from "../.ci/release/packages.ts";

const repository = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
let packages: readonly BundledPackage[];
let bun: BunParts;
let notices: string;

beforeAll(async () => {
  packages = await bundledPackages(repository, await bundledFiles());
  bun = await partsOfBun(repository);
  notices = noticesText("program 1.2.3", packages, bun);
});

describe("npm packages", () => {
  test("every package that a source imports is among them, and what these import in turn", () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    const imported = new Set<string>();
    for (const file of new Bun.Glob("src/**/*.ts").scanSync({ cwd: repository })) {
      if (/\/page\/client\/|\.d\.ts$/.test(file)) continue;
      for (const { path } of transpiler.scanImports(readFileSync(`${repository}/${file}`, "utf8"))) {
        if (/^\.|^(node|bun):|^bun$/.test(path)) continue;
        imported.add(
          path
            .split("/")
            .slice(0, path.startsWith("@") ? 2 : 1)
            .join("/"),
        );
      }
    }
    expect(imported.size).toBeGreaterThan(5);
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...imported]));
    expect(names).toEqual(expect.arrayContaining(["pend", "ufo"]));
  });

  test("each is in the notices with its version and its whole licence", () => {
    const lines = new Set(notices.split("\n").map((line) => line.trim()));
    for (const { name, version, licence, text } of packages) {
      expect(notices).toContain(`\n${name} ${version}: ${licence}\n`);
      expect(text).toMatch(/permission|apache license/i);
      const missing = text.split(/\r?\n/).filter((line) => !lines.has(line.trim()));
      expect(missing).toEqual([]);
    }
  });

  test.each([
    ["node_modules/hono/dist/index.js", "node_modules/hono"],
    ["node_modules/@smithy/core/dist-cjs/index.js", "node_modules/@smithy/core"],
    ["node_modules/a/node_modules/@b/c/x.js", "node_modules/a/node_modules/@b/c"],
    ["../main/node_modules/hono/dist/index.js", "node_modules/hono"],
    ["src/main.ts", undefined],
    ["package.json", undefined],
    ["src/node_modules.ts", undefined],
  ])("the input %s is of the package %p", (path, directory) => {
    expect(packageOf(path)).toBe(directory as string);
  });

  describe("a package whose licence cannot be told stops the build", () => {
    const root = mkdtempSync(`${tmpdir()}/init-notices-`);
    afterAll(() => rmSync(root, { recursive: true }));

    test.each([
      ["no-text", { license: "MIT" }, {}, "no-text is in the binary, but its package has no licence text"],
      ["no-licence", {}, { LICENSE: "text" }, "no-licence is in the binary, but its package has no licence"],
    ])("%s", async (name, fields, files, message) => {
      const directory = `${root}/node_modules/${name}`;
      mkdirSync(directory, { recursive: true });
      writeFileSync(`${directory}/package.json`, JSON.stringify({ name, version: "1.0.0", ...fields }));
      for (const [file, text] of Object.entries(files)) writeFileSync(`${directory}/${file}`, text);
      expect(bundledPackages(root, { [`node_modules/${name}/a.js`]: {} })).rejects.toThrow(message);
    });

    test("every file of a licence is taken, whatever its name", async () => {
      const directory = `${root}/node_modules/many`;
      mkdirSync(directory, { recursive: true });
      writeFileSync(`${directory}/package.json`, JSON.stringify({ name: "many", version: "1.0.0", license: "MIT" }));
      for (const file of ["LICENSE.txt", "licence-apache", "NOTICE", "COPYING", "third_party.txt", "readme.txt"]) {
        writeFileSync(`${directory}/${file}`, file);
      }
      const [found] = await bundledPackages(root, { "node_modules/many/a.js": {} });
      expect(found?.text.split("\n\n").sort()).toEqual(
        ["COPYING", "LICENSE.txt", "NOTICE", "licence-apache", "third_party.txt"].sort(),
      );
    });
  });
});

describe("Bun", () => {
  test("what its licence page names is in the notices, with copyright and version", () => {
    const all = [...bun.libraries, ...bun.polyfills, ...bun.crates];
    expect(all.length).toBeGreaterThan(100);
    for (const { name, licence, version, copyright } of all) {
      expect(notices).toContain(`\n${name}${version === undefined ? "" : ` ${version}`}: ${licence}\n`);
      for (const line of copyright ?? []) expect(notices).toContain(`    ${line}\n`);
    }
    const names = all.map(({ name }) => name);
    const known = ["boringssl", "sqlite", "tinycc", "WebKit: JavaScriptCore, WTF, bmalloc", "assert", "cssparser"];
    expect(names).toEqual(expect.arrayContaining(known));
    expect(names).not.toContain("libuv");
  });

  test("where the sources of what is under the LGPL are, by commit", () => {
    expect(notices).toMatch(/oven-sh\/WebKit, commit [0-9a-f]{40}\n/);
    expect(notices).toMatch(/oven-sh\/tinycc, commit [0-9a-f]{40}\n/);
    expect(notices).toContain(`https://github.com/oven-sh/bun, commit ${Bun.revision}.`);
  });

  test("a page's table of names", () => {
    const page = `# Page
## Linked libraries
| Library | License |
| --- | --- |
| [\`a\`](https://a.example) | MIT |
| [\`b\`](https://b.example) 78 (on Windows) | [x](https://x.example) |
| Parts of [c's code](https://c.example/1) | Apache 2.0 |
## Other
| [\`d\`](https://d.example) | MIT |
`;
    expect(rowsBelow(page, "Linked libraries")).toEqual([
      { name: "a", url: "https://a.example", note: "" },
      { name: "b", url: "https://b.example", note: "78 (on Windows)" },
      { name: "c's code", url: "https://c.example/1", note: "" },
    ]);
    expect(rowsBelow(page, "Missing")).toEqual([]);
  });

  test("a name of which no licence is known stops the build, and a row that no longer has a name", () => {
    const a = { name: "a", url: "https://a.example", note: "" };
    const b = { name: "b", url: "https://b.example", note: "" };
    expect(withRows([a], { a: ["MIT"] }, "file.ts")).toMatchObject([{ name: "a", licence: "MIT", url: a.url }]);
    expect(() => withRows([a, b], { a: ["MIT"] }, "file.ts")).toThrow(
      "names b: add their licences to .ci/release/file.ts",
    );
    expect(() => withRows([a], { a: ["MIT"], b: ["MIT"] }, "file.ts")).toThrow(
      "does not name b: see .ci/release/file.ts",
    );
  });
});

describe("licences", () => {
  test("the text of each that applies is in the notices", () => {
    const parts = [...bun.libraries, ...bun.polyfills, ...bun.crates];
    const ids = new Set(parts.flatMap(({ licence }) => licencesIn(licence)));
    expect([...ids]).toEqual(expect.arrayContaining(["LGPL-2.0-or-later", "LGPL-2.1-or-later", "MPL-2.0", "MIT"]));
    for (const id of ids) {
      expect(textOf(id).length).toBeGreaterThan(200);
      expect(notices).toContain(`--- ${id}\n\n${textOf(id)}\n`);
    }
  });

  test.each([
    ["MIT", ["MIT"]],
    ["MIT OR Apache-2.0", ["Apache-2.0"]],
    ["Apache-2.0 OR MIT", ["Apache-2.0"]],
    ["Unlicense OR MIT", ["MIT"]],
    ["Zlib OR Apache-2.0 OR MIT", ["Apache-2.0"]],
    ["CC0-1.0 OR BSD-2-Clause", ["CC0-1.0"]],
    ["(Apache-2.0 OR MIT) AND BSD-3-Clause", ["Apache-2.0", "BSD-3-Clause"]],
    ["Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", ["Apache-2.0"]],
    ["GPL-3.0-or-later WITH GCC-exception-3.1", ["GCC-exception-3.1", "GPL-3.0-or-later"]],
    ["MIT AND MIT", ["MIT"]],
  ])("%s: %p", (expression, ids) => {
    expect(licencesIn(expression)).toEqual(ids);
  });

  test("what is no licence is refused", () => {
    expect(() => licencesIn("Apache 2.0 licensed")).toThrow();
    expect(() => textOf("MIT-like")).toThrow("there is no text of the licence MIT-like");
  });
});
