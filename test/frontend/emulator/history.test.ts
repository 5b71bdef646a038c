import { describe, expect, test } from "bun:test";
import { excerptOf, History, type HistoryEvent } from "../../../src/frontend/emulator/history.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { crash, response, World } from "./world.ts";

const call = {
  requestId: "id",
  source: "invoke",
  attempt: 1,
  functionArn: "arn",
  event: excerptOf("{}"),
  clientContext: "",
  tenantId: "",
} as const;

describe("the history", () => {
  test("follows an invocation from its call to its log", async () => {
    const world = new World();
    const told: HistoryEvent[] = [];
    world.history.subscribe((event) => told.push(event));
    const called = world.invoke('{"a":1}');
    await world.settle();
    const member = world.members[0];
    if (member) member.logs = "REPORT\n";
    world.invocations[0]?.end(response('"é"'));
    await called;
    await world.settle();
    expect(told.map((event) => event.type === "entry" && event.entry.state)).toEqual([
      "queued",
      "running",
      "running",
      "done",
    ]);
    expect(world.history.entries).toMatchObject([
      {
        number: 1,
        source: "invoke",
        attempt: 1,
        state: "done",
        environment: 1,
        event: { text: '{"a":1}', isCut: false },
        result: { text: '"é"', totalBytes: 4 },
        logs: { text: "REPORT\n" },
      },
    ]);
    expect(world.history.entries[0]?.errorType).toBeUndefined();
  });

  test("has what was measured, also of extensions that worked on after the end", async () => {
    const world = new World();
    const called = world.invoke();
    await world.settle();
    const { requestId } = world.requests[0] as { requestId: string };
    const spans = [{ name: "responseLatency", startMs: world.clock.epoch() + 2, durationMs: 5 }];
    world.invoker.reported({ requestId, durationMs: 8, maxMemoryMb: 77, initDurationMs: 3, spans });
    world.invocations[0]?.end(response("1"));
    await called;
    world.invoker.extensionsFinished(requestId, 4);
    world.invoker.reported({
      requestId: "unknown",
      durationMs: 1,
      maxMemoryMb: 1,
      initDurationMs: undefined,
      spans: [],
    });
    expect(world.history.entries[0]).toMatchObject({
      durationMs: 8,
      maxMemoryMb: 77,
      initDurationMs: 3,
      phases: [
        { name: "init", startMs: -3, durationMs: 3 },
        { name: "invocation", startMs: 2, durationMs: 5 },
        { name: "extensions", startMs: 7, durationMs: 4 },
      ],
    });
  });

  test("tells what an invocation failed with", async () => {
    const world = new World({ outcome: () => crash });
    await world.invoke();
    await world.settle();
    expect(world.history.entries[0]).toMatchObject({ state: "done", errorType: "Runtime.ExitError" });
  });

  test("keeps the last 500, and tells which were dropped", () => {
    const history = new History(new FakeClock());
    const dropped: number[] = [];
    history.subscribe((event) => event.type === "dropped" && dropped.push(event.number));
    for (let at = 0; at < 502; at++) history.add(call);
    expect([history.entries.length, history.entries[0]?.number, dropped]).toEqual([500, 3, [1, 2]]);
    history.update(1, { state: "done" });
    expect(history.entry(1)).toBeUndefined();
  });

  test("keeps no more bytes than it may, but always the newest", () => {
    const history = new History(new FakeClock());
    const large = excerptOf("x".repeat(1024 * 1024));
    for (let at = 0; at < 100; at++) {
      const { number } = history.add({ ...call, event: large });
      history.update(number, { result: large, logs: large });
    }
    expect(history.entries.length).toBe(10);
    expect(history.entries.at(-1)?.number).toBe(100);
    history.clear();
    expect(history.entries).toHaveLength(0);
  });

  test("stops telling whoever has had enough", () => {
    const history = new History(new FakeClock());
    let count = 0;
    const stop = history.subscribe(() => count++);
    history.add(call);
    stop();
    history.add(call);
    expect(count).toBe(1);
  });
});

describe("an excerpt", () => {
  test.each([
    ["text", "text", { text: "text", totalBytes: 4, isCut: false, isBase64: false }],
    ["a text too long", "abcdef", { text: "abcde", totalBytes: 6, isCut: true, isBase64: false }],
    ["bytes of text", Buffer.from("é"), { text: "é", totalBytes: 2, isCut: false, isBase64: false }],
    [
      "bytes of text cut in a character",
      Buffer.from("abcdé"),
      { text: "abcd", totalBytes: 6, isCut: true, isBase64: false },
    ],
    ["bytes", Buffer.from([0xff, 0]), { text: "/wA=", totalBytes: 2, isCut: false, isBase64: true }],
  ])("of %s", (_, content, expected) => {
    expect(excerptOf(content, 5)).toEqual(expected);
  });
});
