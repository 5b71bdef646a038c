/** Every cell of both state tables: which call is allowed when, what it answers, where it leads. */
import { describe, expect, test } from "bun:test";
import { type ExtensionState, extensionTransitions } from "../../src/environment/extensions/extension-states.ts";
import {
  all,
  bothEvents,
  ExtensionFixture,
  invokeEvent,
  invokeOnly,
  refusal,
  refusedMove,
  shutdownEvent,
  taken,
} from "./extension-fixture.ts";
import { isPending } from "./fixture.ts";

/** `unknown`: nobody was told its identifier. `again`: accepted, and nothing changes. A state: where the call leads. */
interface Row {
  register: "Registered" | "refused";
  next: "waits" | "refused" | "unknown";
  initError: "InitError" | "again" | "refused" | "unknown";
  exitError: "ExitError" | "again" | "refused" | "unknown";
}

const refusesAll: Row = { register: "refused", next: "refused", initError: "refused", exitError: "refused" };
const unheard: Row = { register: "refused", next: "unknown", initError: "unknown", exitError: "unknown" };

const external: Record<ExtensionState, Row> = {
  Started: { ...unheard, register: "Registered" },
  Registered: { register: "refused", next: "waits", initError: "InitError", exitError: "ExitError" },
  Ready: { ...refusesAll, exitError: "ExitError" },
  Running: { ...refusesAll, next: "waits", exitError: "ExitError" },
  InitError: { ...refusesAll, initError: "again" },
  ExitError: { ...refusesAll, exitError: "again" },
  LaunchError: unheard,
  Exited: refusesAll,
  ShutdownFailed: refusesAll,
};

/** The states an internal extension can be in. */
const internal: Partial<typeof external> = {
  Registered: external.Registered,
  Ready: external.Ready,
  Running: external.Running,
  InitError: external.InitError,
  ExitError: external.ExitError,
};

const tables = [
  ["external", external],
  ["internal", internal],
] as const;

const rows = tables.flatMap(([kind, table]) =>
  (Object.entries(table) as [ExtensionState, Row][]).map(([state, row]) => [kind, state, row] as const),
);

describe.each(rows)("an %s extension in %s", (kind, state, row) => {
  test(`that registers: ${row.register}`, async () => {
    const fixture = await ExtensionFixture.withExtension(state, kind);
    const reply = await all(await fixture.register("ext", kind === "external" ? bothEvents : invokeOnly));
    if (row.register === "Registered") {
      expect(reply).toEqual({
        status: 200,
        body: '{"functionName":"fn","functionVersion":"$LATEST","handler":"app.handler"}\n',
        headers: { "content-type": "application/json", "lambda-extension-identifier": fixture.id },
      });
      expect(fixture.extension.state).toBe("Registered");
      return;
    }
    // The name here, the identifier in every other call.
    const collision = refusal("Extension.InvalidExtensionState", "Extension with this name already registered");
    expect(reply).toEqual(kind === "external" ? refusedMove(state, "Registered", "ext") : collision);
    expect(fixture.extension.state).toBe(state);
  });

  test(`that asks for an event: ${row.next}`, async () => {
    const fixture = await ExtensionFixture.withExtension(state, kind);
    const asked = fixture.ask();
    if (row.next === "waits") {
      expect(await isPending(asked)).toBe(true);
      expect(fixture.extension.state).toBe("Ready");
      fixture.extension.dispatch(invokeEvent({ requestId: "id-2" }));
      const reply = await asked;
      expect(reply.status).toBe(200);
      expect(await reply.json()).toMatchObject({ eventType: "INVOKE", requestId: "id-2" });
      expect(fixture.extension.state).toBe("Running");
      return;
    }
    const unknown = refusal("Extension.UnknownExtensionIdentifier", `Unknown extension ${fixture.id}`);
    expect(await all(await asked)).toEqual(row.next === "unknown" ? unknown : refusedMove(state, "Ready", fixture.id));
    expect(fixture.extension.state).toBe(state);
  });

  const reports = [
    ["init", row.initError, "InitError"],
    // Recorded so: the message names another state than the one it leads to.
    ["exit", row.exitError, "Exited"],
  ] as const;

  test.each(reports)("that reports an %s error: %s", async (call, expected, target) => {
    const fixture = await ExtensionFixture.withExtension(state, kind);
    const reply = await all(await fixture.report(call, fixture.id, "Fatal.Second"));
    if (expected === "unknown") {
      expect(reply).toEqual(refusal("Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier"));
    } else if (expected === "refused") {
      expect(reply).toEqual(refusedMove(state, target, fixture.id));
    } else {
      expect(reply).toEqual(taken);
    }
    const leadsTo = expected === "InitError" || expected === "ExitError" ? expected : state;
    expect(fixture.extension.state).toBe(leadsTo);
    const wasFirst = leadsTo !== state;
    const hadReported = state === "InitError" || state === "ExitError";
    expect(fixture.extension.toReport().errorType).toBe(
      wasFirst ? "Fatal.Second" : hadReported ? "Fatal.First" : undefined,
    );
  });
});

describe("a poll that waits", () => {
  test.each(["external", "internal"] as const)(
    "is refused as soon as another call of the %s extension reports an exit error",
    async (kind) => {
      const fixture = await ExtensionFixture.withExtension("Registered", kind);
      const asked = fixture.ask();
      expect(await isPending(asked)).toBe(true);
      expect(await all(await fixture.report("exit"))).toEqual(taken);
      expect(await all(await asked)).toEqual(
        refusedMove("ExitError", "Ready", fixture.id, "Concurrent state modification"),
      );
    },
  );

  test("is the only one: a second one is refused, and the first one gets the event", async () => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    const asked = fixture.ask();
    expect(await all(await fixture.ask())).toEqual(refusedMove("Ready", "Ready", fixture.id));
    expect(await isPending(asked)).toBe(true);
    fixture.extension.dispatch(invokeEvent());
    expect((await asked).status).toBe(200);
  });

  test("is forgotten when its client is gone: it takes no event with it, and the extension may ask again", async () => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    const gone = new AbortController();
    const lost = fixture.ask(fixture.id, gone.signal);
    expect(await isPending(lost)).toBe(true);
    gone.abort();
    expect((await lost).status).toBe(500);
    fixture.extension.dispatch(invokeEvent({ requestId: "id-2" }));
    expect(await (await fixture.ask()).json()).toMatchObject({ requestId: "id-2" });
    expect(await isPending(fixture.ask())).toBe(true);
  });

  test("of a client that was gone before it was heard is forgotten too", async () => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    const lost = fixture.ask(fixture.id, AbortSignal.abort());
    expect((await lost).status).toBe(500);
    const asked = fixture.ask();
    expect(await isPending(asked)).toBe(true);
    fixture.extension.dispatch(invokeEvent());
    expect((await asked).status).toBe(200);
  });

  test("is let go when the extension's process is gone", async () => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    const asked = fixture.ask();
    fixture.extension.close();
    expect(await isPending(asked)).toBe(false);
    expect(await all(await asked)).toEqual({
      status: 500,
      body: '{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}\n',
      headers: { "content-type": "application/json" },
    });
  });
});

describe("the end of a process", () => {
  const ends = (["Started", "Registered", "Ready", "Running"] as const).flatMap((state) =>
    [true, false].map((isWell) => [state, isWell ? "Exited" : "ShutdownFailed", isWell] as const),
  );

  test.each(ends)("in the shutdown leads from %s to %s", async (state, leadsTo, isWell) => {
    const { extension } = await ExtensionFixture.withExtension(state);
    extension.close();
    extension.ended(isWell);
    expect(extension.state).toBe(leadsTo);
  });

  const final = ["InitError", "ExitError", "LaunchError", "Exited", "ShutdownFailed"] as const;

  test.each(final)("leaves %s what it is", async (state) => {
    const { extension } = await ExtensionFixture.withExtension(state);
    extension.ended(true);
    extension.ended(false);
    expect(extension.state).toBe(state);
  });
});

describe("an extension that is busy", () => {
  test("gets the shutdown with its next poll, and nothing after it", async () => {
    const fixture = await ExtensionFixture.withExtension("Running");
    fixture.extension.dispatch(shutdownEvent);
    expect(await (await fixture.ask()).json()).toMatchObject({ eventType: "SHUTDOWN" });
    expect(fixture.extension.state).toBe("Running");
    expect(await isPending(fixture.ask())).toBe(true);
  });
});

test("the table has no entry the contract does not have", () => {
  const ends = { exited: "Exited", shutdownFailed: "ShutdownFailed" } as const;
  expect(extensionTransitions).toEqual({
    Started: { register: "Registered", launchFailed: "LaunchError", ...ends },
    Registered: { next: "Ready", initError: "InitError", exitError: "ExitError", ...ends },
    Ready: { dispatched: "Running", pollLost: "Running", exitError: "ExitError", ...ends },
    Running: { next: "Ready", exitError: "ExitError", ...ends },
    InitError: { initError: "InitError" },
    ExitError: { exitError: "ExitError" },
    ShutdownFailed: {},
    Exited: {},
    LaunchError: {},
  });
});
