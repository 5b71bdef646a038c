import { beforeEach, describe, expect, spyOn, test } from "bun:test";
import { log } from "../../src/log.ts";
import { StandardStream } from "../../src/standard-streams.ts";
import { StdoutForwarder } from "../../src/telemetry/stdout.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NotingSink, systemError } from "../support/noting-sink.ts";

const megabyte = 1024 * 1024;

let clock: FakeClock;
let sink: NotingSink;
let forwarder: StdoutForwarder;
beforeEach(() => {
  clock = new FakeClock();
  sink = new NotingSink();
  forwarder = new StdoutForwarder(clock, new StandardStream(() => sink));
});

const forward = (bytes: number) => forwarder.forward(new Uint8Array(bytes));
const shownBytes = () => sink.written.reduce((sum, text) => sum + text.length, 0);

/** What is warned of meanwhile. */
async function warnings(action: () => unknown): Promise<string[]> {
  const warn = spyOn(log, "warn").mockImplementation(Object.assign(() => {}, { raw() {} }));
  await action();
  const lines = warn.mock.calls.map((args) => args.join(" "));
  warn.mockRestore();
  return lines;
}

test("chunks are written in order as they are, and flush waits for the last", async () => {
  sink.next = "is full";
  forwarder.forward(Buffer.from("a"));
  forwarder.forward(Buffer.from("b\xff"));
  let isFlushed = false;
  const flushed = forwarder.flush().then(() => {
    isFlushed = true;
  });
  await sink.makeRoom();
  expect([sink.written, isFlushed]).toEqual([["a", "b\xff"], false]);
  await sink.makeRoom();
  await flushed;
});

test("nothing waiting needs no flush", async () => {
  forward(megabyte);
  await forwarder.flush();
});

test("a chunk's memory is given up when it was written, a part of something larger is left alone", () => {
  const chunk = new Uint8Array(megabyte);
  const part = new Uint8Array(2 * megabyte).subarray(0, megabyte);
  forwarder.forward(chunk);
  forwarder.forward(part);
  expect([chunk.length, part.length, shownBytes()]).toEqual([0, megabyte, 2 * megabyte]);
});

test("writes are no larger than asked for, and never end within a character", async () => {
  const limited = new StdoutForwarder(clock, new StandardStream(() => sink), 16);
  const text = `x${"é€😀".repeat(50)}`;
  limited.forward(Buffer.from(text));
  expect(sink.written.join("")).toBe(text);
  expect(sink.written.every((piece) => !piece.includes("\ufffd") && Buffer.byteLength(piece) <= 16)).toBe(true);
});

test("lines of init's own go along, in one write, and on lines of their own", async () => {
  forwarder.forward(Buffer.from("unfinished"));
  forwarder.forwardLine("END\nREPORT\n");
  forwarder.forward(Buffer.from("next\n"));
  expect(sink.written).toEqual(["unfinished", "\nEND\nREPORT\n", "next\n"]);
  await forwarder.flush();
});

describe("a reader that is slow", () => {
  test("holds up the function above 2 MiB, until it has caught up", async () => {
    sink.next = "is full";
    expect([forward(megabyte), forward(megabyte)]).toEqual([undefined, undefined]);
    let isLetGo = false;
    const held = forward(1)?.then(() => {
      isLetGo = true;
    });
    expect(held).toBeInstanceOf(Promise);
    await clock.advance(900);
    expect(isLetGo).toBe(false);
    await sink.makeRoom();
    await held;
  });

  test("is waited for as long as it takes anything, and nothing is lost", async () => {
    sink.next = "is full";
    for (let count = 0; count < 8; count++) forward(megabyte);
    const held = forward(megabyte);
    const lines = await warnings(async () => {
      for (let count = 0; count < 9; count++) {
        await clock.advance(900);
        await sink.makeRoom();
      }
      await held;
      await forwarder.flush();
    });
    expect([shownBytes(), lines]).toEqual([9 * megabyte, []]);
  });
});

describe("a reader that has stopped", () => {
  const stall = async () => {
    sink.next = "is full";
    for (let count = 0; count < 4; count++) forward(megabyte);
    const held = forward(megabyte);
    await clock.advance(1000);
    await held;
  };

  test("holds up nobody after a second, and fills no memory", async () => {
    await stall();
    const lines = await warnings(() => {
      for (let count = 0; count < 100; count++) expect(forward(megabyte)).toBeUndefined();
    });
    expect(lines).toEqual([expect.stringContaining("init's stdout takes no more output (its reader does not read)")]);
  });

  test("is told how much it missed, and waited for no longer than a second at the end", async () => {
    await stall();
    const lines = await warnings(async () => {
      for (let count = 0; count < 3; count++) forward(megabyte);
      const flushed = forwarder.flush();
      await clock.advance(1000);
      await flushed;
    });
    expect(lines.at(-1)).toBe(`${3 * megabyte} bytes of output are missing on init's stdout`);
  });

  test("gets what comes from then on when it reads again", async () => {
    await stall();
    await warnings(() => forward(megabyte));
    sink.next = "takes it";
    for (let count = 0; count < 5; count++) await sink.makeRoom();
    forwarder.forward(Buffer.from("again"));
    expect(sink.written.at(-1)).toBe("again");
  });
});

describe.each(["EPIPE", "ENOSPC", "EIO"])("a stdout that answers %s", (code) => {
  test("is warned of once, and costs nobody anything", async () => {
    sink.next = systemError(code);
    const lines = await warnings(async () => {
      for (let count = 0; count < 100; count++) expect(forward(megabyte)).toBeUndefined();
      await forwarder.flush();
    });
    expect(lines).toEqual([
      expect.stringContaining(`init's stdout takes no more output (${code})`),
      `${100 * megabyte} bytes of output are missing on init's stdout`,
    ]);
  });

  test("is used again when it works again", async () => {
    sink.next = systemError(code);
    await warnings(() => forward(1));
    sink.next = "takes it";
    forwarder.forward(Buffer.from("again"));
    expect(sink.written).toEqual(["again"]);
  });
});
