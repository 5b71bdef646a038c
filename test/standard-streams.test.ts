import { beforeEach, describe, expect, test } from "bun:test";
import { StandardStream } from "../src/standard-streams.ts";
import { NotingSink, systemError } from "./support/noting-sink.ts";

let sink: NotingSink;
let stream: StandardStream;
beforeEach(() => {
  sink = new NotingSink();
  stream = new StandardStream(() => sink);
  // Which line is open is shared by all streams: each test begins on a fresh one.
  new StandardStream(() => new NotingSink()).write(Buffer.from("\n"));
});

const write = (text: string, done?: (error?: unknown) => void) => stream.write(Buffer.from(text), done);

test("what the kernel takes at once is written within the call, each piece by itself", () => {
  const done: string[] = [];
  write("a", () => done.push("a"));
  write("b", () => done.push("b"));
  expect([sink.written, done]).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
});

test("while the kernel is full the rest waits, in order", async () => {
  sink.next = "is full";
  write("a");
  write("b");
  stream.writeLine("c\n");
  let isFlushed = false;
  const flushed = stream.flushed.then(() => {
    isFlushed = true;
  });
  expect(sink.written).toEqual(["a"]);
  await sink.makeRoom();
  expect(sink.written).toEqual(["a", "b"]);
  await sink.makeRoom();
  expect([sink.written, isFlushed]).toEqual([["a", "b", "\nc\n"], false]);
  await sink.makeRoom();
  await flushed;
});

test("nothing that waits is flushed at once", async () => {
  await stream.flushed;
  write("a");
  await stream.flushed;
});

describe("an error", () => {
  test.each([
    [
      "thrown",
      (error: Error) => {
        sink.next = error;
      },
    ],
    [
      "that comes later",
      () => {
        sink.next = "is full";
      },
    ],
  ])("%s is told to whoever wrote, and the next one is tried", async (_, prepare) => {
    const error = systemError("ENOSPC");
    prepare(error);
    const told: unknown[] = [];
    write("lost", (reason) => told.push(reason));
    sink.next = "takes it";
    write("next", (reason) => told.push(reason));
    await sink.makeRoom(error);
    expect(told).toEqual([error, undefined]);
    expect(sink.written.at(-1)).toBe("next");
  });

  test("needs nobody to hear it", async () => {
    sink.next = "is full";
    write("lost");
    await sink.makeRoom(systemError("EPIPE"));
    await stream.flushed;
  });
});

describe("a line", () => {
  test.each([
    [["a\n"], "line\n"],
    [["a"], "\nline\n"],
    [["a\n", ""], "line\n"],
    [["a", ""], "\nline\n"],
    [[], "line\n"],
  ])("behind %j is %j", (before, expected) => {
    for (const text of before) write(text);
    stream.writeLine("line\n");
    expect(sink.written.at(-1)).toBe(expected);
  });

  test("does not continue what stands on the other stream either: they are shown as one", () => {
    const other = new NotingSink();
    write("unfinished");
    new StandardStream(() => other).writeLine("line\n");
    write(", finished\n");
    expect([other.written, sink.written]).toEqual([["\nline\n"], ["unfinished", ", finished\n"]]);
  });
});
