import { describe, expect, test } from "bun:test";
import { median, pairedRatios, percentile, quartiles } from "./bench/statistics.ts";
import { inTurn, orderOf } from "./bench/turns.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  [0, 1],
  [0.5, 50],
  [0.99, 99],
  [1, 100],
])("a share of %p of 1 to 100 lies up to %p", (share, expected) => {
  expect(percentile(hundred, share)).toBe(expected);
});

describe("quartiles", () => {
  test.each([
    ["one sample is all three", [7], 7, 7, 7],
    ["between two samples", [2, 1], 1.25, 1.5, 1.75],
    ["on samples", [5, 1, 4, 2, 3], 2, 3, 4],
    ["of numbers, not of texts", [100, 9, 20], 14.5, 20, 60],
    ["what could not be measured counts nowhere", [Number.NaN, 3, 1, Number.NaN, 2], 1.5, 2, 2.5],
  ] as const)("%s", (_, samples, q1, middle, q3) => {
    expect(quartiles(samples)).toEqual({ q1, median: middle, q3 });
    expect(median(samples)).toBe(middle);
  });

  test.each([[[]], [[Number.NaN]]])("of nothing there are none: %p", (samples) => {
    expect(quartiles(samples)).toEqual({ q1: Number.NaN, median: Number.NaN, q3: Number.NaN });
    expect(percentile(samples, 0.5)).toBeNaN();
  });

  test("the samples stay as they are", () => {
    const samples = [3, 1, 2];
    quartiles(samples);
    expect(samples).toEqual([3, 1, 2]);
  });
});

describe("ratios of pairs", () => {
  test("what slows both of a pair is not in them", () => {
    expect(pairedRatios([1, 10, 3], [2, 20, 6])).toEqual([0.5, 0.5, 0.5]);
  });

  test("a pair with one sample has none", () => {
    expect(quartiles(pairedRatios([1, Number.NaN, 1], [2, 2, Number.NaN]))).toEqual({ q1: 0.5, median: 0.5, q3: 0.5 });
  });

  test("lists of different lengths are no pairs", () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow("2 samples and 1 are no pairs");
  });
});

describe("turns", () => {
  test("the order is reversed every pair", () => {
    expect([0, 1, 2, 3].flatMap((pair) => orderOf(pair, 2))).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
    expect([0, 1].flatMap((pair) => orderOf(pair, 1))).toEqual([0, 0]);
  });

  test("one after the other, and the results in the order of the binaries", async () => {
    const events: string[] = [];
    const results = await inTurn(1, ["a", "b"], async (name, index) => {
      events.push(`${name} begins`);
      await Promise.resolve();
      events.push(`${name} ends`);
      return `${name}${index}`;
    });
    expect(events).toEqual(["b begins", "b ends", "a begins", "a ends"]);
    expect(results).toEqual(["a0", "b1"]);
  });
});
