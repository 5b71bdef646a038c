/** What comments cite can be opened: a page of this repository, and in it the section or the row that is named. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { citationsIn, hasPlace, vagueCitationsIn } from "./support/citations.ts";

/** Places whose comments still cite in the old way. Nothing is to be added here. */
const waiting: readonly string[] = [];

const repository = new URL("..", import.meta.url).pathname;
const sources = [
  ...new Bun.Glob("{src,test,examples,.ci}/**/*.{ts,tsx}").scanSync({ cwd: repository, dot: true }),
  "build.ts",
]
  .filter((file) => !/^test\/(citations\.test|support\/citations)\.ts$/.test(file))
  .sort();
const pages = [...new Bun.Glob("{docs/**/*,*}.md").scanSync({ cwd: repository })].sort();
const read = (file: string) => readFileSync(`${repository}${file}`, "utf8");

test("every page, section and row that a comment cites is there", () => {
  const missing = sources.flatMap((file) =>
    citationsIn(read(file))
      .filter(({ page, place }) => !existsSync(repository + page) || !hasPlace(read(page), place))
      .map(({ page, place }) => `${file}: ${page} ${place}`),
  );
  expect(missing).toEqual([]);
});

test("comments name a page by its path, and a decision by its page", () => {
  const checked = sources.filter((file) => !waiting.some((place) => file.startsWith(place)));
  expect(checked.flatMap((file) => vagueCitationsIn(read(file)).map((found) => `${file}: ${found}`))).toEqual([]);
});

test("pages link to files that are there", () => {
  const broken = pages.flatMap((page) => {
    const links = [...read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    const base = page.includes("/") ? page.slice(0, page.lastIndexOf("/") + 1) : "";
    return links
      .filter((target) => !/^https?:/.test(target) && !existsSync(`${repository}${base}${target}`))
      .map((target) => `${page}: ${target}`);
  });
  expect(broken).toEqual([]);
});

test("source files that pages name are there, by their path or by their name alone", () => {
  const tracked = [...new Bun.Glob("{src,test,examples}/**/*.ts").scanSync({ cwd: repository }), "build.ts"];
  const isThere = (file: string) => tracked.some((one) => one === file || one.endsWith(`/${file}`));
  const missing = pages.flatMap((page) =>
    [...read(page).matchAll(/`([\w./-]+\.ts)`/g)]
      .map(([, file = ""]) => file)
      .filter((file) => !isThere(file))
      .map((file) => `${page}: ${file}`),
  );
  expect(missing).toEqual([]);
});

describe("what these tests can see", () => {
  test.each([
    ["the states: `docs/contract/runtime-api.md 4`.", [{ page: "docs/contract/runtime-api.md", place: "4" }]],
    ["the states (`docs/contract/runtime-api.md` 4.1)", [{ page: "docs/contract/runtime-api.md", place: "4.1" }]],
    ["as docs/contract/lifecycle-2.md P15 says", [{ page: "docs/contract/lifecycle-2.md", place: "P15" }]],
    [
      "docs/contract/emulator.md 2.2, 2.3 and E4",
      ["2.2", "2.3", "E4"].map((place) => ({ page: "docs/contract/emulator.md", place })),
    ],
    ["told in docs/architecture.md. 7 times", [{ page: "docs/architecture.md", place: "" }]],
    ["nothing", []],
  ])("%s", (text, expected) => {
    expect(citationsIn(text)).toEqual(expected);
  });

  const page = "# Page\n\n## 3. A part\n\n### 3.1 Inner\n\n| # | topic |\n|---|---|\n| 12 | x |\n| P5 | y |\n";
  test.each([
    ["", true],
    ["3", true],
    ["3.1", true],
    ["12", true],
    ["P5", true],
    ["3.2", false],
    ["1", false],
    ["P50", false],
  ])("the place %p of a page: %p", (place, isThere) => {
    expect(hasPlace(page, place)).toBe(isThere);
  });

  test("pages without their path and decisions without a page", () => {
    const text = "(`lifecycle.md` 3.1), decision 22; `docs/contract/lifecycle.md` 3; `docs/contract/decisions.md 4`";
    expect(vagueCitationsIn(text)).toEqual(["lifecycle.md", "decision 22"]);
  });
});
