import { describe, expect, test } from "bun:test";
import { LogBuffer, type LogText, logBound } from "../../../src/telemetry/log/log-buffer.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** The pieces as they go out. */
const wire = (log: LogText) => Buffer.concat(log.pieces).toString();

/** What they have to be. */
const escaped = (text: string) => JSON.stringify(text).slice(1, -1);

describe("a log", () => {
  test("has output and lines in the order they came, and is taken once", () => {
    const buffer = new LogBuffer();
    buffer.append("early\n");
    buffer.addLine("START\n");
    buffer.appendBytes(Buffer.from("output\n"));
    buffer.addLine("END\n");
    expect(buffer.take().text()).toBe("early\nSTART\noutput\nEND\n");
    expect(buffer.take().text()).toBe("");
  });

  test.each([
    ["text", (buffer: LogBuffer) => buffer.append("unfinished")],
    ["bytes", (buffer: LogBuffer) => buffer.appendBytes(Buffer.from("unfinished"))],
    ["half a character", (buffer: LogBuffer) => buffer.append("unfinished\n\ud83d")],
    ["an escape that looks like a newline", (buffer: LogBuffer) => buffer.append("\\n")],
  ])("never has a line of init's own continue the function's: %s", (_, write) => {
    const buffer = new LogBuffer();
    write(buffer);
    buffer.addLine("END\n");
    expect(buffer.take().text()).toEndWith("\nEND\n");
    buffer.addLine("START\n");
    expect(buffer.take().text()).toBe("START\n");
  });

  test("that is empty has no pieces", () => {
    const buffer = new LogBuffer();
    buffer.append("");
    buffer.appendBytes(new Uint8Array(0));
    expect(buffer.take()).toMatchObject({ pieces: [], byteLength: 0 });
  });

  test("that is small is one piece, and shares its memory with the next", () => {
    const buffer = new LogBuffer();
    buffer.addLine("one\n");
    const one = buffer.take();
    buffer.addLine("two\n");
    const two = buffer.take();
    expect([one.pieces.length, two.pieces.length]).toEqual([1, 1]);
    expect(one.pieces[0]?.buffer).toBe(two.pieces[0]?.buffer as ArrayBuffer);
    expect([one.text(), two.text()]).toEqual(["one\n", "two\n"]);
  });

  test("gives its memory back when it was sent, but not what it shares with the next", () => {
    const buffer = new LogBuffer();
    buffer.append("x".repeat(100_000));
    const log = buffer.take();
    buffer.append("next");
    const lengths = () => log.pieces.map(({ length }) => length);
    const before = lengths();
    log.release();
    expect(before.slice(0, -1).every((length) => length > 32_000)).toBe(true);
    expect(lengths()).toEqual([...before.slice(0, -1).map(() => 0), before.at(-1) as number]);
    expect(buffer.take().text()).toBe("next");
  });

  test("does not change when the chunk it came in does", () => {
    const buffer = new LogBuffer();
    const chunk = Buffer.from("as it was");
    buffer.appendBytes(chunk);
    chunk.fill("x");
    expect(buffer.take().text()).toBe("as it was");
  });

  test("costs its own size and not much more", () => {
    const buffer = new LogBuffer();
    const line = Buffer.from(`${"x".repeat(99)}\n`);
    for (let count = 0; count < 100_000; count++) buffer.appendBytes(line);
    const { pieces, byteLength } = buffer.take();
    expect(byteLength).toBe(101 * 100_000);
    const held = new Set(pieces.map((piece) => piece.buffer));
    // The last piece has room left.
    expect([...held].reduce((sum, memory) => sum + memory.byteLength, 0)).toBeLessThan(byteLength * 1.05);
  });
});

describe("a log put into another", () => {
  const filled = (text: string) => {
    const buffer = new LogBuffer();
    buffer.append(text);
    return buffer;
  };

  test.each([
    ["a\n", "b\n", "a\nb\nEND\n"],
    ["a", "b", "a\nb\nEND\n"],
    ["a", "", "a\nEND\n"],
    ["", "b", "b\nEND\n"],
    ["\ud83d", "\ude00", "\ud83d\n\ude00\nEND\n"],
  ])("begins on a line of its own, and what follows does: %j, %j", (one, other, whole) => {
    const buffer = filled(one);
    buffer.addLog(filled(other).take());
    buffer.addLine("END\n");
    expect(buffer.take().text()).toBe(whole);
  });

  test("is not copied", () => {
    const buffer = new LogBuffer();
    const log = filled("x".repeat(100_000)).take();
    buffer.addLog(log);
    const { pieces, byteLength } = buffer.take();
    expect([pieces, byteLength]).toEqual([[...log.pieces], 100_000]);
  });
});

describe("escaping is JSON.stringify's", () => {
  const every = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));

  test("for every UTF-16 code unit, alone", () => {
    const buffer = new LogBuffer();
    for (const unit of every) {
      buffer.append(unit);
      const log = buffer.take();
      if (wire(log) !== escaped(unit) || log.text() !== unit) throw new Error(`U+${unit.charCodeAt(0).toString(16)}`);
    }
  });

  test("for all of them in one text, lone surrogates among them", () => {
    const buffer = new LogBuffer();
    buffer.append(every.join(""));
    expect(wire(buffer.take()) === escaped(every.join(""))).toBe(true);
  });

  test.each(["😀", "a\ud83d", "\ude00b", "\ud83d\ud83d\ude00", "\ude00\ud83d", 'x"\\\n\t\u2028\u0000é€'])(
    "for %j, cut anywhere",
    (text) => {
      for (let cut = 0; cut <= text.length; cut++) {
        const buffer = new LogBuffer();
        buffer.append(text.slice(0, cut));
        buffer.append(text.slice(cut));
        const log = buffer.take();
        expect(wire(log)).toBe(escaped(text));
        expect(log.byteLength).toBe(Buffer.byteLength(escaped(text)));
      }
    },
  );

  test("for half a character that bytes follow: it stays alone", () => {
    const buffer = new LogBuffer();
    buffer.append("\ud83d");
    buffer.appendBytes(Buffer.from("é"));
    expect(wire(buffer.take())).toBe("\\ud83dé");
  });

  test("for any mixture of texts and bytes, in pieces of any size", () => {
    const { random, seed } = seededRandom();
    const units = [
      "\n",
      "x",
      '"',
      "\\",
      "\u0000",
      "\u001f",
      "\u007f",
      "\u0085",
      "é",
      "€",
      "\u2028",
      "😀",
      "\ud83d",
      "\ude00",
    ];
    for (let round = 0; round < 500; round++) {
      const buffer = new LogBuffer();
      const parts: string[] = [];
      for (let part = random(8); part >= 0; part--) {
        const unit = units[random(units.length)] ?? "";
        // Some larger than a piece.
        const many = random(20) === 0 ? unit.repeat(random(40_000)) : "";
        const text = many + Array.from({ length: random(12) }, () => units[random(units.length)]).join("");
        parts.push(text);
        if (text.isWellFormed() && random(2) === 0) {
          // Bytes end the text before them: two halves do not meet across them.
          parts.push("\u0001");
          buffer.append(`${text}\u0001`);
          const bytes = Buffer.from(text);
          buffer.appendBytes(bytes);
          parts.push(text);
        } else buffer.append(text);
      }
      const whole = parts.join("");
      const log = buffer.take();
      expect(wire(log) === escaped(whole), `seed ${seed}, round ${round}`).toBe(true);
      expect(log.text() === whole, `seed ${seed}, round ${round}`).toBe(true);
    }
  });
});

test.each([
  [128, 32],
  [1024, 256],
  [100_000, 256],
])("in a container of %i MiB a log keeps %i MiB", (container, kept) => {
  expect(logBound(container * 1024 * 1024)).toBe(kept * 1024 * 1024);
});

describe("more than can be kept", () => {
  const notice = (bytes: number) => `${bytes} bytes of output were left out: a log keeps at most 100000\n`;
  const full = () => {
    const buffer = new LogBuffer(100_000);
    buffer.addLine("START\n");
    for (let count = 0; count < 5; count++) buffer.appendBytes(Buffer.from("x".repeat(30_000)));
    return buffer;
  };

  test("is counted, and told where it is missing, before the lines that follow", () => {
    const buffer = full();
    buffer.addLine("END\n");
    expect(buffer.take().text()).toBe(`START\n${"x".repeat(90_000)}\n${notice(60_000)}END\n`);
  });

  test("is told at the end where no line follows, and once", () => {
    const buffer = full();
    buffer.append("é");
    expect(buffer.take().text()).toEndWith(`x\n${notice(60_002)}`);
    expect(buffer.take().text()).toBe("");
  });

  test("is left out in one: what would still fit does not follow a gap", () => {
    const buffer = full();
    buffer.append("small\n");
    expect(buffer.take().text()).toEndWith(`x\n${notice(60_006)}`);
  });

  test("leaves room again for the next log", () => {
    const buffer = full();
    buffer.take();
    buffer.append("next");
    expect(buffer.take().text()).toBe("next");
  });

  test("is measured as it is sent: what escaping makes longer counts so", () => {
    const buffer = new LogBuffer(100_000);
    for (let count = 0; count < 7; count++) buffer.append("\u0001".repeat(5000));
    expect(buffer.take().text()).toBe(`${"\u0001".repeat(15_000)}\n${notice(20_000)}`);
  });

  test("never leaves half a character behind", () => {
    const buffer = new LogBuffer(100_000);
    for (let count = 0; count < 9; count++) buffer.append(`x${"😀".repeat(5000)}`);
    const text = buffer.take().text();
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toContain("\ufffd");
    expect(text).toMatch(/😀\n\d+ bytes of output were left out/);
  });
});
