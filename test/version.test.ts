/** The version stands in package.json. What must repeat it agrees, and nothing else repeats it. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import packageJson from "../package.json" with { type: "json" };

const repository = new URL("..", import.meta.url).pathname;
const read = (file: string) => readFileSync(`${repository}${file}`, "utf8");
const changelog = readFileSync(new URL("../CHANGELOG.md", import.meta.url), "utf8");
const { version } = packageJson;

test("the newest section of the changelog is this version's, and says something", () => {
  const [, newest = ""] = changelog.split(/^## /m);
  expect(newest).toMatch(new RegExp(`^${RegExp.escape(version)}( \\(unreleased\\))?\n`));
  expect(newest).toMatch(/^- /m);
});

test("package-lock.json, which npm writes, has it", () => {
  const lock = JSON.parse(read("package-lock.json"));
  expect([lock.version, lock.packages[""].version]).toEqual([version, version]);
});

test("no source repeats it", () => {
  const files = [...new Bun.Glob("{src,test,examples}/**/*.{ts,js,html}").scanSync({ cwd: repository }), "build.ts"];
  expect(files.length).toBeGreaterThan(300);
  const repeated = new RegExp(`["'\`]v?${RegExp.escape(version)}(\\\\n)?["'\`]`);
  expect(files.filter((file) => repeated.test(read(file)))).toEqual([]);
});
