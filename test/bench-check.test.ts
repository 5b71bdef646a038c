import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import packageJson from "../package.json" with { type: "json" };
import { findFailures } from "./bench/check.ts";
import { lastRelease } from "./bench/last-release.ts";
import { rows } from "./bench/rows.ts";
import { type Sample, Samples } from "./bench/samples.ts";

function failuresOf(...pairs: readonly (readonly [ours: Sample, other: Sample])[]): string[] {
  const samples = new Samples();
  for (const pair of pairs) samples.add(pair);
  return findFailures(samples.figures());
}

/** Pairs of one row whose ratios are these. */
const ratios = (row: "p50" | "rate", ...ours: number[]) => ours.map((our) => [{ [row]: our }, { [row]: 1 }] as const);

describe("a row whose margin is 1.1", () => {
  test.each([
    ["the same", [1, 1, 1, 1, 1], false],
    ["less", [0.5, 0.5, 0.5, 0.5, 0.5], false],
    ["more, within the margin", [1.09, 1.09, 1.09, 1.09, 1.09], false],
    ["at the margin", [1.1, 1.1, 1.1, 1.1, 1.1], false],
    ["beyond it", [1.2, 1.2, 1.2, 1.2, 1.2], true],
    ["beyond it in the middle half of the pairs", [0.5, 1.11, 1.3, 1.4, 9], true],
    ["beyond it in the median only", [0.9, 1.0, 1.3, 1.4, 9], false],
    ["far beyond it in a few", [1, 1, 1, 1, 50], false],
  ] as const)("%s", (_, ours, isFailed) => {
    expect(rows.p50.margin).toBe(1.1);
    expect(failuresOf(...ratios("p50", ...ours))).toHaveLength(isFailed ? 1 : 0);
  });

  test("where more is better, less is the failure", () => {
    expect(rows.rate.margin).toBe(1.1);
    expect(failuresOf(...ratios("rate", 0.8, 0.8, 0.8))).toHaveLength(1);
    expect(failuresOf(...ratios("rate", 0.92, 0.92, 0.92))).toEqual([]);
    expect(failuresOf(...ratios("rate", 2, 2, 2))).toEqual([]);
    expect(failuresOf(...ratios("rate", 0.5, 0.8, 0.95, 1, 1))).toEqual([]);
  });
});

test("a failure names the row, both figures, what the pairs say, and the margin", () => {
  expect(failuresOf([{ p50: 0.5 }, { p50: 0.25 }])).toEqual([
    "p50 (1 KB invocation, p50): 0.50 ms against 0.25 ms: 2.00 [2.00 2.00] times as much in each pair, at most 1.10 is allowed",
  ]);
  expect(failuresOf([{ rate: 500 }, { rate: 1000 }])).toEqual([
    "rate (1 KB invocations, one by one): 500 per s against 1000 per s: 0.50 [0.50 0.50] times as much in each pair, at least 0.91 is allowed",
  ]);
});

test("what ours can no longer do fails; what the other cannot do is not compared", () => {
  expect(failuresOf([{}, { exit: 20 }])).toEqual([
    "exit (start to status error, by an exit): n/a ms against 20.0 ms: it could not be measured any more",
  ]);
  expect(failuresOf([{ subscriber: 20 }, {}])).toEqual([]);
});

test("every row that fails is named", () => {
  const failures = failuresOf([
    { p50: 2, cpu: 1, ready: 2 },
    { p50: 1, cpu: 1, ready: 1 },
  ]);
  expect(failures.map((failure) => failure.split(" ", 1)[0])).toEqual(["p50", "ready"]);
});

test("one binary alone cannot be checked", () => {
  const samples = new Samples();
  samples.add([{ p50: 1 }]);
  expect(() => findFailures(samples.figures())).toThrow("only one binary");
});

test("the last release is the newest one in the changelog before this version", () => {
  const changelog = readFileSync(new URL("../CHANGELOG.md", import.meta.url), "utf8");
  const versions = [...changelog.matchAll(/^## (\S+)/gm)].map(([, version]) => version as string);
  expect(lastRelease.version).toBe(versions.find((version) => version !== packageJson.version) as string);
});
