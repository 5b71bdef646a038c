import { afterEach, expect, test } from "bun:test";
import { seededRandom } from "./support/seeded-random.ts";

const variable = "SEED_OF_THIS_TEST";

afterEach(() => {
  delete process.env[variable];
});

const twenty = (seed: number) => {
  const { random } = seededRandom(seed, variable);
  return Array.from({ length: 20 }, () => random(1000));
};

test("the same seed gives the same numbers, another one others", () => {
  expect(twenty(4_294_967_295)).toEqual(twenty(4_294_967_295));
  expect(twenty(1)).not.toEqual(twenty(2));
});

test("numbers are spread over the whole range and stay below its end", () => {
  const { random } = seededRandom(7, variable);
  const counts = new Array(10).fill(0);
  for (let at = 0; at < 10_000; at++) counts[random(10)]++;
  expect(counts).toHaveLength(10);
  for (const count of counts) {
    expect(count).toBeGreaterThan(800);
    expect(count).toBeLessThan(1200);
  }
});

test("a seed is taken from the variable, is as given, or is a new one each time", () => {
  const seeds = (fixed: number | "new") => new Set([1, 2, 3].map(() => seededRandom(fixed, variable).seed));
  expect(seeds(7)).toEqual(new Set([7]));
  expect(seeds("new").size).toBeGreaterThan(1);
  process.env[variable] = "42";
  expect(seeds(7)).toEqual(new Set([42]));
  expect(seeds("new")).toEqual(new Set([42]));
});

test.each(["x", "-1", "1.5", "4294967296"])("a seed of %s is refused by name", (seed) => {
  process.env[variable] = seed;
  expect(() => seededRandom(7, variable)).toThrow(`${variable}=${seed}: a number from 0 to 4294967295`);
});
