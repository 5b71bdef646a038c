/** AWS's Python client with the hooks of a snapshot, unmodified, against the binary. */
import { afterEach, describe, expect, test } from "bun:test";
import { newPythonClient as client, whyMissing } from "./support/clients.ts";
import { type ExtensionWorld, startWithExtensions } from "./support/extensions.ts";
import { fixture, isRoot, stopAll } from "./support/init.ts";

afterEach(stopAll);

/** As root, an extension lives beside it. */
function start(hook = "", env: Record<string, string> = {}): ExtensionWorld {
  const directory = fixture("python-handlers");
  return startWithExtensions(client.command(client.directory, "hooks.handler"), isRoot ? { watcher: {} } : {}, {
    cwd: directory,
    env: {
      ...client.env(client.directory),
      LAMBDA_TASK_ROOT: directory,
      _HANDLER: "hooks.handler",
      AWS_LAMBDA_INITIALIZATION_TYPE: "snap-start",
      HOOK: hook,
      ...env,
    },
  });
}

const hooksOf = (text: string) => [...text.matchAll(/^(?:hook (?:before|after) \d|handler)$/gm)].map(([line]) => line);

/** What the hooks and the handler have printed, once that is so much: output comes another way than results. */
async function hooksSeen({ init }: ExtensionWorld, count: number): Promise<string[]> {
  await init.waitForStdout(new RegExp(`(?:^(?:hook (?:before|after) \\d|handler)\n[^]*){${count}}`, "m"));
  return hooksOf(init.stdout);
}

const kindsOf = ({ init }: ExtensionWorld) => init.double.callbacks.map(({ kind }) => kind);

/** What the extension was asked to do, in order. */
function eventsOf(world: ExtensionWorld): string[] {
  const events = world.journal("watcher").filter(({ what }) => what === "event");
  return events.map(({ text }) => JSON.parse(text as string).eventType);
}

const missing = whyMissing(client);
describe.skipIf(missing !== undefined)(`${client.name}${missing ? `: ${missing}` : ""}`, () => {
  test("C2: runs its hooks around the snapshot, the earlier ones in reverse order", async () => {
    const world = start();
    const { init } = world;
    await init.double.waitForReady();
    expect(await hooksSeen(world, 2)).toEqual(["hook before 2", "hook before 1"]);
    const { kind, logs } = await init.invoke("{}");
    expect(kind).toBe("response");
    expect((await hooksSeen(world, 5)).slice(2)).toEqual(["hook after 1", "hook after 2", "handler"]);
    expect(logs).toMatch(/hook after 2\nRESTORE_REPORT Restore Duration: [\d.]+ ms\nSTART .*\nhandler\n/);
    expect((await init.invoke("{}")).logs).not.toContain("hook");
    expect(kindsOf(world)).toEqual(["ready", "logs", "response", "logs", "response"]);
    if (isRoot) await world.until("two events", () => eventsOf(world).join() === "INVOKE,INVOKE" || undefined);
  });

  test.each(["before 2", "before 1"])("C3: %s, when it raises, fails the start with one error", async (hook) => {
    const world = start(`${hook} raise`);
    expect(await world.init.exited()).toBe(1);
    expect(kindsOf(world)).toEqual(["status error"]);
    const told = JSON.parse(world.init.double.callbacks[0]?.text ?? "");
    expect(told).toMatchObject({ errorType: "ValueError", errorMessage: `hook ${hook} failed`, requestId: "" });
  });

  test.each([
    ["after 1", "status", ["status error", "logs", "error"]],
    ["after 2", "invoke", ["logs", "error"]],
  ])("C4: %s, when it raises, is the error of each invocation, in the way %s", async (hook, way, told) => {
    const world = start(`${hook} raise`, { LOCALSTACK_INIT_FAILURE: way });
    const error = { errorType: "ValueError", errorMessage: `hook ${hook} failed` };
    for (let round = 0; round < 2; round++) expect((await world.init.invoke("{}")).kind).toBe("error");
    expect(kindsOf(world).map(String)).toEqual(["ready", ...told, ...told]);
    // That the process exits with 65 after its report is not told once more.
    const errors = world.init.double.callbacks.filter(({ kind }) => kind.includes("error"));
    expect(errors.map(({ text }) => JSON.parse(text))).toEqual(errors.map(() => expect.objectContaining(error)));
    // The second invocation had new processes.
    await world.init.waitForStdout(/hook before 1\n[\s\S]*hook before 1\n/);
    expect(hooksOf(world.init.stdout).filter((line) => line === "hook before 1")).toHaveLength(2);
    if (isRoot) expect(world.journal("watcher").filter(({ what }) => what === "registered")).toHaveLength(2);
  });

  test("C5: hooks have 10 s, whatever the function's timeout is", async () => {
    const { init } = start("after 1 sleep 11", { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" });
    await init.double.waitForReady();
    const sentAt = performance.now();
    const { kind, body, logs } = await init.invoke("{}");
    expect(performance.now() - sentAt).toBeGreaterThan(10_000);
    expect([kind, JSON.parse(body).errorType]).toEqual(["error", "Runtime.RestoreHookUserTimeout"]);
    expect(logs).not.toContain("hook after 2");
  }, 40_000);

  test("C8: is started as on demand where it is not told of a snapshot", async () => {
    const world = start("", { AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand" });
    expect((await world.init.invoke("{}")).kind).toBe("response");
    expect(await hooksSeen(world, 1)).toEqual(["handler"]);
    expect(kindsOf(world)).toEqual(["ready", "logs", "response"]);
  });
});
