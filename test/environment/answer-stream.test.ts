/** A response on its way to a caller who takes it as it comes. */
import { describe, expect, test } from "bun:test";
import { AnswerStream } from "../../src/environment/answer-stream.ts";
import { isPending } from "../runtime-api/fixture.ts";

const room = 256 * 1024;
const bytes = (length: number) => new Uint8Array(length).fill(7);
const broken = { errorType: "Function.X", errorBody: '{"errorMessage":"m"}' };

describe("a write", () => {
  test("resolves at once while there is room", async () => {
    const stream = new AnswerStream();
    await stream.write(bytes(1));
    await stream.write(bytes(room - 2));
    expect(stream.bytes).toBe(room - 1);
  });

  test.each([room, room + 1, 10 * room])("of %d bytes waits until the caller has read it", async (length) => {
    const stream = new AnswerStream();
    const written = stream.write(bytes(length));
    expect(await isPending(written)).toBe(true);
    const reader = stream.body.getReader();
    expect((await reader.read()).value).toHaveLength(length);
    await written;
  });

  test("waits on while what was read makes no room", async () => {
    const stream = new AnswerStream();
    await stream.write(bytes(room / 2));
    await stream.write(bytes(room / 4));
    const written = stream.write(bytes(room));
    const reader = stream.body.getReader();
    await reader.read();
    expect(await isPending(written)).toBe(true);
    await reader.read();
    expect(await isPending(written)).toBe(true);
    await reader.read();
    await written;
  });

  test("that waits is let go when the caller leaves, and so are those that follow: they go nowhere", async () => {
    const stream = new AnswerStream();
    const written = stream.write(bytes(room));
    await stream.body.cancel();
    await written;
    await stream.write(bytes(3 * room));
    expect([stream.isOpen, stream.bytes]).toEqual([true, 4 * room]);
  });

  test("that waits is let go when the stream ends", async () => {
    const stream = new AnswerStream();
    const written = stream.write(bytes(room));
    stream.close(broken);
    await written;
  });

  test("after the end changes nothing", async () => {
    const stream = new AnswerStream();
    stream.close();
    await stream.write(bytes(5));
    expect([stream.bytes, await new Response(stream.body).text()]).toEqual([0, ""]);
  });
});

describe("the end", () => {
  test("of one that went well tells nothing; the caller gets all that was written", async () => {
    const stream = new AnswerStream();
    await stream.write(Buffer.from("one "));
    await stream.write(Buffer.from("two"));
    expect(await isPending(stream.ended)).toBe(true);
    stream.close();
    expect(await stream.ended).toBeUndefined();
    expect(stream.brokenBy).toBeUndefined();
    expect(await new Response(stream.body).text()).toBe("one two");
  });

  test("of one that broke off tells why; the caller gets what had been written", async () => {
    const stream = new AnswerStream();
    await stream.write(Buffer.from("one"));
    stream.close(broken);
    expect([await stream.ended, stream.brokenBy, stream.isOpen]).toEqual([broken, broken, false]);
    expect(await new Response(stream.body).text()).toBe("one");
  });

  test.each([
    ["well", undefined, broken],
    ["badly", broken, undefined],
  ] as const)("comes once: it went %s, whatever follows", async (_, first, second) => {
    const stream = new AnswerStream();
    stream.close(first);
    stream.close(second);
    expect([await stream.ended, stream.brokenBy]).toEqual([first, first]);
  });

  test("is told although the caller has left", async () => {
    const stream = new AnswerStream();
    await stream.body.cancel();
    stream.close(broken);
    expect(await stream.ended).toEqual(broken);
  });
});
