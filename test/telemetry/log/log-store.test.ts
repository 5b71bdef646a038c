import { beforeEach, describe, expect, test } from "bun:test";
import { type LogStore, SingleLog, SortedLogs } from "../../../src/telemetry/log/log-store.ts";

let shown: string[];
const showLine = (text: string) => void shown.push(text);
beforeEach(() => {
  shown = [];
});

const take = (logs: LogStore, id: string) => logs.take(id).text();

describe("one log", () => {
  test("has everything since it was taken last, whosever it is", () => {
    const logs: LogStore = new SingleLog();
    logs.appendBytes(Buffer.from("init\n"));
    logs.begin("a");
    logs.addLine("START a\n", "a");
    logs.appendLine('{"requestId":"b"}');
    logs.end("a");
    logs.addLine("END a\n", "a");
    logs.appendBytes(Buffer.from("late"));
    expect(take(logs, "a")).toBe('init\nSTART a\n{"requestId":"b"}\nEND a\nlate');
    expect(take(logs, "a")).toBe("");
  });

  test("keeps no more than it may", () => {
    const logs: LogStore = new SingleLog({ maxBytes: 3 });
    logs.appendBytes(Buffer.from("four"));
    expect(take(logs, "a")).toBe("4 bytes of output were left out: a log keeps at most 3\n");
  });
});

describe("logs of several", () => {
  let logs: LogStore;
  beforeEach(() => {
    logs = new SortedLogs({ showLine });
    for (const id of ["a", "b"]) {
      logs.begin(id);
      logs.addLine(`START ${id}\n`, id);
    }
  });
  const finish = (id: string) => {
    logs.end(id);
    logs.addLine(`END ${id}\n`, id);
    return take(logs, id);
  };

  test("are wanted in lines", () => {
    expect([new SingleLog().sortsLines, logs.sortsLines]).toEqual([false, true]);
  });

  test.each(["requestId", "AWSRequestId"])("hold the lines with their %s, between START and END", (key) => {
    const lines = ["a", "b", "a"].map((id, index) => JSON.stringify({ index, [key]: id }));
    for (const line of lines) logs.appendLine(line);
    expect(finish("b")).toBe(`START b\n${lines[1]}\nEND b\n`);
    expect(finish("a")).toBe(`START a\n${lines[0]}\n${lines[2]}\nEND a\n`);
  });

  test.each([
    "text",
    "",
    '["a"]',
    '{"requestId":"a"',
    '{"requestId":7}',
    '{"requestId":"of nobody"}',
    '{"record":{"requestId":"a"}}',
  ])("hold %j where an invocation ends next", (line) => {
    logs.appendLine(line);
    expect(finish("b")).toBe(`START b\n${line}\nEND b\n`);
    expect(finish("a")).toBe("START a\nEND a\n");
  });

  test("hold a late line of one that has ended where an invocation ends next", () => {
    logs.end("a");
    logs.appendLine('{"requestId":"a"}');
    logs.addLine("END a\n", "a");
    expect(take(logs, "a")).toBe("START a\nEND a\n");
    expect(finish("b")).toBe('START b\n{"requestId":"a"}\nEND b\n');
  });

  test("of init go with the first to end, in front of its END", () => {
    logs.addLine("INIT_REPORT\n");
    expect(finish("a")).toBe("START a\nINIT_REPORT\nEND a\n");
  });

  test("are taken once, and one that was never begun is empty", () => {
    finish("a");
    expect([take(logs, "a"), take(logs, "never")]).toEqual(["", ""]);
  });

  test("can be of the same id again", () => {
    finish("a");
    logs.begin("a");
    logs.appendLine('{"requestId":"a"}');
    expect(finish("a")).toBe('{"requestId":"a"}\nEND a\n');
  });
});

test.each([
  ["one log", new SingleLog({ showLine })],
  ["several", new SortedLogs({ showLine })],
])("init's own lines of %s are shown too, what belongs together in one", (_, store) => {
  const logs: LogStore = store;
  logs.begin("a");
  logs.addLine("START a\n", "a");
  logs.appendBytes(Buffer.from("output\n"));
  logs.appendLine("output");
  logs.addLine("END a\nREPORT a\n", "a");
  expect(shown).toEqual(["START a\n", "END a\nREPORT a\n"]);
});
