import { expect, test } from "bun:test";
import { Outbox } from "../../src/net/outbox.ts";

/** Takes as many bytes at once as it is told, and keeps all. */
function kernel(...limits: number[]) {
  const writes: string[] = [];
  const write = (bytes: Uint8Array) => {
    const limit = limits.shift() ?? bytes.byteLength;
    if (limit < 0) return limit;
    const taken = bytes.subarray(0, limit);
    writes.push(Buffer.from(taken).toString());
    return taken.byteLength;
  };
  return { writes, write };
}

test("small requests leave in one piece, whatever pieces they are in", () => {
  const outbox = new Outbox();
  const { writes, write } = kernel();
  outbox.add(
    "head ",
    ["bo", "", "dy"].map((text) => Buffer.from(text)),
  );
  outbox.add("next", []);
  expect(outbox.writeTo(write)).toBe(13);
  expect([writes, outbox.isEmpty]).toEqual([["head bodynext"], true]);
});

test("many that are large together leave one by one", () => {
  const outbox = new Outbox();
  const { writes, write } = kernel();
  const body = "x".repeat(9000);
  for (const head of ["a", "b"]) outbox.add(head, [Buffer.from(body)]);
  outbox.writeTo(write);
  expect(writes).toEqual([`a${body}`, `b${body}`]);
});

test("the pieces of a large body leave one by one, empty ones not at all", () => {
  const outbox = new Outbox();
  const { writes, write } = kernel();
  const large = "x".repeat(20_000);
  outbox.add(
    "head",
    ["a", "", large].map((text) => Buffer.from(text)),
  );
  outbox.writeTo(write);
  expect(writes).toEqual(["head", "a", large]);
});

test("what is not taken is sent from there on, wherever that is", () => {
  const outbox = new Outbox();
  const { writes, write } = kernel(2, 2, 0, 1, 1, 0);
  outbox.add("head", [Buffer.from("ab"), Buffer.from("cd")]);
  const taken = [];
  while (!outbox.isEmpty) taken.push(outbox.writeTo(write));
  expect(writes.join("")).toBe("headabcd");
  expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBe(8);
  expect(taken[0]).toBe(2);
});

test("an ended connection takes nothing", () => {
  const outbox = new Outbox();
  const { write } = kernel(-1);
  outbox.add("head", []);
  expect([outbox.writeTo(write), outbox.isEmpty]).toEqual([0, false]);
  outbox.clear();
  expect(outbox.isEmpty).toBe(true);
});
