import { expect, test } from "bun:test";
import { ConnectionLimit } from "../../../src/net/listener/connection-limit.ts";

class Fake {
  isDropped = false;
  constructor(readonly isIdle: boolean) {}
  drop(): void {
    this.isDropped = true;
  }
}

function full(limit: ConnectionLimit, count: number, isIdle: (at: number) => boolean): Fake[] {
  const connections = Array.from({ length: count }, (_, at) => new Fake(isIdle(at)));
  for (const connection of connections) expect(limit.admit(connection)).toBe(true);
  return connections;
}

test("three quarters of the descriptors may be connections; the one that was idle the longest makes room", () => {
  const limit = new ConnectionLimit(() => 400);
  const open = full(limit, 300, (at) => at === 7 || at === 9);
  expect(limit.admit(new Fake(false))).toBe(true);
  expect(limit.admit(new Fake(false))).toBe(true);
  expect(open.flatMap(({ isDropped }, at) => (isDropped ? [at] : []))).toEqual([7, 9]);
  expect(limit.admit(new Fake(true))).toBe(false);
});

test("one that has ended makes room", () => {
  const limit = new ConnectionLimit(() => 400);
  const [first] = full(limit, 300, () => false);
  expect(limit.admit(new Fake(false))).toBe(false);
  limit.release(first as Fake);
  expect(limit.admit(new Fake(false))).toBe(true);
});

test("few are always let in, without a look at the limit", () => {
  let looks = 0;
  const limit = new ConnectionLimit(() => {
    looks++;
    return 16;
  });
  full(limit, 64, () => false);
  expect(looks).toBe(0);
  expect(limit.admit(new Fake(false))).toBe(false);
  expect(looks).toBe(1);
});
