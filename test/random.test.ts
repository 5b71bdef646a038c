import { afterEach, expect, test } from "bun:test";
import { Random, seedFrom } from "./support/random.ts";

afterEach(() => {
  delete process.env.A_SEED;
});

const twenty = (seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: 20 }, () => random.integerBelow(1000));
};

test("the same seed gives the same numbers, another one others", () => {
  expect(twenty(4_294_967_295)).toEqual(twenty(4_294_967_295));
  expect(twenty(1)).not.toEqual(twenty(2));
});

test("numbers are spread over the whole range and stay below its end", () => {
  const random = new Random(7);
  const tenths = new Array(10).fill(0);
  for (let at = 0; at < 10_000; at++) tenths[random.integerBelow(10)]++;
  expect(tenths).toHaveLength(10);
  for (const count of tenths) {
    expect(count).toBeGreaterThan(800);
    expect(count).toBeLessThan(1200);
  }
});

test("a seed is taken from the variable, or is a new one each time", () => {
  process.env.A_SEED = "42";
  expect(seedFrom("A_SEED")).toBe(42);
  process.env.A_SEED = "";
  expect(new Set([seedFrom("A_SEED"), seedFrom("A_SEED"), seedFrom("A_SEED")]).size).toBeGreaterThan(1);
});

test.each(["x", "-1", "1.5", "4294967296"])("a seed of %s is refused by name", (seed) => {
  process.env.A_SEED = seed;
  expect(() => seedFrom("A_SEED")).toThrow(`A_SEED=${seed}: a number from 0 to 4294967295`);
});
