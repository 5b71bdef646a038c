import { dlopen } from "bun:ffi";
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { OutputPipe } from "../../src/process/output-pipe.ts";
import { waitUntil, within } from "../support/within.ts";
import { openDescriptors, openPipes, untilClosed } from "./children.ts";

const { fcntl } = dlopen("libc.so.6", { fcntl: { args: ["i32", "i32", "i32"], returns: "i32" } }).symbols;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;

const pipes: OutputPipe[] = [];
let descriptorsBefore: number;

beforeAll(async () => {
  // Bun opens descriptors of its own at the first use of a pipe.
  const before = openPipes();
  const first = new OutputPipe();
  const opened = openPipes().filter((pipe) => !before.includes(pipe));
  first.receive(() => {});
  first.closeWriteEnd();
  await untilClosed(opened);
  descriptorsBefore = openDescriptors();
});

afterEach(async () => {
  for (const pipe of pipes.splice(0)) pipe.close();
  await allClosed();
});

async function allClosed(): Promise<void> {
  await waitUntil("all pipes are closed", () => openDescriptors() === descriptorsBefore, 2000);
}

function openPipe(): { pipe: OutputPipe; text: () => string } {
  const chunks: Uint8Array[] = [];
  const pipe = new OutputPipe();
  pipes.push(pipe);
  pipe.receive((chunk) => void chunks.push(Buffer.from(chunk)));
  return { pipe, text: () => Buffer.concat(chunks).toString() };
}

describe("drain", () => {
  test("has nothing to wait for while the pipe is empty", () => {
    expect(openPipe().pipe.drain()).toBeUndefined();
  });

  test("resolves when what stood in the pipe was delivered", async () => {
    const { pipe, text } = openPipe();
    writeSync(pipe.writeEnd, "hello");
    expect(text()).toBe("");
    await within(2000, "the drain", Promise.resolve(pipe.drain()));
    expect(text()).toBe("hello");
  });

  test("without it the bytes would not be there yet", async () => {
    const { pipe, text } = openPipe();
    writeSync(pipe.writeEnd, "hello");
    await Promise.resolve(undefined);
    expect(text()).toBe("");
  });

  test("waits for the bytes of its own moment, each call for more", async () => {
    const { pipe, text } = openPipe();
    writeSync(pipe.writeEnd, "one");
    const seen: string[] = [];
    const first = pipe.drain()?.then(() => seen.push(text().slice(0, 3)));
    writeSync(pipe.writeEnd, "two");
    const second = pipe.drain()?.then(() => seen.push(text()));
    await within(2000, "both drains", Promise.all([first, second]));
    expect(seen).toEqual(["one", "onetwo"]);
  });

  test("is not held up by a writer that never stops", async () => {
    const { pipe } = openPipe();
    let goesOn = true;
    const write = () => {
      if (!goesOn) return;
      writeSync(pipe.writeEnd, "x".repeat(1000));
      setImmediate(write);
    };
    write();
    try {
      for (let round = 0; round < 20; round++) await within(2000, "the drain", Promise.resolve(pipe.drain()));
    } finally {
      goesOn = false;
    }
  });

  test("delivers a full pipe", async () => {
    const { pipe, text } = openPipe();
    const all = "y".repeat(65_536);
    // The kernel gives less to a user whose pipes hold much already. The write would then wait for the reader for ever.
    expect(fcntl(pipe.writeEnd, F_GETPIPE_SZ, 0)).toBeGreaterThanOrEqual(all.length);
    writeSync(pipe.writeEnd, all);
    await within(2000, "the drain", Promise.resolve(pipe.drain()));
    expect(text()).toBe(all);
  });

  test("delivers a pipe the function has made larger, in as many reads as it takes", async () => {
    const { pipe, text } = openPipe();
    const megabyte = 1 << 20;
    expect(fcntl(pipe.writeEnd, F_SETPIPE_SZ, megabyte)).toBe(megabyte);
    for (const round of [1, 2, 3]) {
      writeSync(pipe.writeEnd, Buffer.alloc(900_000, "z"));
      await within(2000, "the drain", Promise.resolve(pipe.drain()));
      expect(text().length).toBe(round * 900_000);
    }
  });

  test("gives up nothing when the writers end in between", async () => {
    const { pipe, text } = openPipe();
    writeSync(pipe.writeEnd, "last words");
    const drained = pipe.drain();
    pipe.closeWriteEnd();
    await within(2000, "the drain", Promise.resolve(drained));
    expect(text()).toBe("last words");
  });

  test("has nothing to wait for after the end of the pipe", async () => {
    const { pipe } = openPipe();
    pipe.closeWriteEnd();
    await allClosed();
    expect(pipe.drain()).toBeUndefined();
  });

  test("does not hang when the pipe is closed while it waits", async () => {
    const { pipe } = openPipe();
    writeSync(pipe.writeEnd, "unread");
    const drained = pipe.drain();
    pipe.close();
    await within(2000, "the drain", Promise.resolve(drained));
  });
});

describe("a pipe nobody reads yet", () => {
  test("has nothing to wait for", () => {
    const pipe = new OutputPipe();
    writeSync(pipe.writeEnd, "text");
    expect(pipe.drain()).toBeUndefined();
    pipe.close();
  });

  test("keeps what is written until it is read", async () => {
    const pipe = new OutputPipe();
    pipes.push(pipe);
    writeSync(pipe.writeEnd, "early");
    let text = "";
    pipe.receive((chunk) => {
      text += Buffer.from(chunk).toString();
    });
    await within(2000, "the drain", Promise.resolve(pipe.drain()));
    expect(text).toBe("early");
  });

  test("is closed at once, and only once", () => {
    const before = openDescriptors();
    const pipe = new OutputPipe();
    expect(openDescriptors()).toBe(before + 2);
    pipe.close();
    pipe.close();
    pipe.closeWriteEnd();
    expect(openDescriptors()).toBe(before);
  });
});

describe("closing", () => {
  test("may be done twice, and after the end", async () => {
    const { pipe } = openPipe();
    pipe.closeWriteEnd();
    pipe.closeWriteEnd();
    pipe.close();
    pipe.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => pipe.close()).not.toThrow();
  });

  test("makes the write end unavailable", () => {
    const { pipe } = openPipe();
    pipe.closeWriteEnd();
    expect(() => pipe.writeEnd).toThrow("closed already");
  });

  test.each(["by its writers", "from our side"])("%s closes both descriptors and no other", async (how) => {
    const { pipe, text } = openPipe();
    writeSync(pipe.writeEnd, "text");
    if (how === "by its writers") pipe.closeWriteEnd();
    else pipe.close();
    // A descriptor closed twice would hit one of these, which get the freed numbers.
    const files: number[] = [];
    for (let turn = 0; turn < 200; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % 20 === 0) files.push(openSync("/proc/self/status", "r"));
    }
    for (const file of files) expect(() => fstatSync(file)).not.toThrow();
    for (const file of files) closeSync(file);
    await allClosed();
    if (how === "by its writers") expect(text()).toBe("text");
  });
});

describe("a receiver that holds us up", () => {
  /** Receives slowly: each chunk is done with only when `goOn` is called. */
  function openSlowPipe() {
    const pipe = new OutputPipe();
    pipes.push(pipe);
    // As large as a function may make it: what is written here must not wait for a reader, who is in the same thread.
    expect(fcntl(pipe.writeEnd, F_SETPIPE_SZ, 1 << 20)).toBe(1 << 20);
    let received = 0;
    let hold: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>();
    pipe.receive((chunk) => {
      received += chunk.length;
      return hold?.promise;
    });
    const goOn = () => {
      hold?.resolve();
      hold = undefined;
    };
    return { pipe, received: () => received, goOn };
  }

  /** Writes little by little, so that the reader has time to read ahead. */
  async function writeSlowly(pipe: OutputPipe, chunks: number, bytes: number): Promise<void> {
    for (let chunk = 0; chunk < chunks; chunk++) {
      writeSync(pipe.writeEnd, Buffer.alloc(bytes));
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  test.each([
    [2, 10],
    [8, 60_000],
    [4, 200_000],
  ])("loses nothing for a drain: %d chunks of %d bytes", async (chunks, bytes) => {
    const { pipe, received, goOn } = openSlowPipe();
    await writeSlowly(pipe, chunks, bytes);
    expect(received()).toBeLessThan(chunks * bytes);
    const drained = Promise.resolve(pipe.drain());
    goOn();
    await within(2000, "the drain", drained);
    expect(received()).toBe(chunks * bytes);
  });

  test("loses nothing for a drain that is asked for in the moment it goes on", async () => {
    const { pipe, received, goOn } = openSlowPipe();
    await writeSlowly(pipe, 8, 60_000);
    goOn();
    for (let microtask = 0; microtask < 3; microtask++) await undefined;
    await within(2000, "the drain", Promise.resolve(pipe.drain()));
    expect(received()).toBe(480_000);
  });

  test("leaves a drain of an empty pipe without a wait once it has caught up", async () => {
    const { pipe, goOn } = openSlowPipe();
    await writeSlowly(pipe, 2, 10);
    goOn();
    await within(2000, "the drain", Promise.resolve(pipe.drain()));
    expect(pipe.drain()).toBeUndefined();
  });

  test("ends a drain although a process writes without end", async () => {
    const { pipe, goOn } = openSlowPipe();
    let isWriting = true;
    const writing = (async () => {
      while (isWriting) {
        writeSync(pipe.writeEnd, Buffer.alloc(1000));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await writeSlowly(pipe, 2, 10);
    const drained = Promise.resolve(pipe.drain());
    goOn();
    await within(2000, "the drain", drained);
    isWriting = false;
    await writing;
  });
});

describe("a receiver", () => {
  test("gets the bytes in the order they were written", async () => {
    const { pipe, text } = openPipe();
    let expected = "";
    for (let line = 0; line < 2000; line++) {
      const written = `line ${line}\n`;
      writeSync(pipe.writeEnd, written);
      expected += written;
      if (line % 100 === 0) await pipe.drain();
    }
    await within(2000, "the drain", Promise.resolve(pipe.drain()));
    expect(text()).toBe(expected);
  });
});
