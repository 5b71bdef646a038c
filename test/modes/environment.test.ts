/** Environments with real processes, several in one program. */
import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import type { Invocation } from "../../src/environment/invocation.ts";
import { managedInstance, oneAtATime } from "../../src/environment/policy.ts";
import { type BuiltEnvironment, type EnvironmentParts, newEnvironment } from "../../src/modes/environment.ts";
import { ListenError } from "../../src/net/listener.ts";
import type { InvocationReport } from "../../src/telemetry/events.ts";
import type { Script, Told } from "../fixtures/scripted-runtime.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { freePort } from "../support/free-port.ts";
import { within } from "../support/within.ts";

const runtime = new URL("../fixtures/scripted-runtime.ts", import.meta.url).pathname;

const settings: EnvironmentParts["settings"] = {
  accessKeyId: "",
  accountId: "000000000000",
  applicationLogLevel: "",
  availabilityZoneId: "use1-az1",
  functionName: "fn",
  functionVersion: "$LATEST",
  initializationType: "on-demand",
  logFormat: "Text",
  logStreamName: "stream",
  maxPayloadBytes: 6 * 1024 * 1024,
  memorySizeMb: 1024,
  secretAccessKey: "",
  sessionToken: "",
  systemLogLevel: "INFO",
  timeoutSeconds: 20,
};

/** An environment, and what it told. */
interface Member extends BuiltEnvironment {
  readonly reports: InvocationReport[];
  readonly shown: Uint8Array[];
  readonly ended: Promise<void>;
}

const members: Member[] = [];

/** An address to have twice: the kernel gives its port to nobody meanwhile. */
const ownAddress = () => ({ hostname: "127.0.0.1", port: freePort() });

afterEach(async () => {
  await Promise.all(members.splice(0).map((member) => member[Symbol.asyncDispose]()));
});

function build(name: string, parts: Partial<EnvironmentParts> = {}): Member {
  const reports: InvocationReport[] = [];
  const shown: Uint8Array[] = [];
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>();
  const built = newEnvironment({
    clock: systemClock,
    settings,
    policy: oneAtATime,
    bootstrap: { command: [process.execPath, runtime], cwd: "/", handler: "" },
    variables: () => ({ NAME: name, PATH: process.env.PATH ?? "", SCRIPT_PRINTS: `init of ${name}\n` }),
    handler: "app.handler",
    runtimeApi: { hostname: "127.0.0.1", port: 0 },
    show(chunk) {
      shown.push(chunk.slice());
      return undefined;
    },
    onMeasured: (report) => void reports.push(report),
    onIdleFault() {},
    onEnd,
    ...parts,
  });
  const member = { ...built, reports, shown, ended };
  members.push(member);
  return member;
}

async function started(name: string, parts: Partial<EnvironmentParts> = {}): Promise<Member> {
  const member = build(name, parts);
  expect(await within(5000, `the init of ${name}`, member.environment.init())).toEqual({ kind: "ready" });
  return member;
}

function start({ environment }: Member, script: Script = {}, requestId = "id-1"): Invocation {
  return environment.invoke(requestOf({ requestId, payload: JSON.stringify(script) }));
}

/** What the runtime says of itself. */
async function ask(member: Member, script: Script = {}): Promise<Told> {
  const { outcome } = await within(5000, "the answer", start(member, script).settled);
  if (outcome.kind !== "response") throw new Error(`the invocation ended with ${JSON.stringify(outcome)}`);
  return JSON.parse(Buffer.from(outcome.body).toString());
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("two environments in one program", () => {
  test("have their own ports, processes, variables, counts and logs", async () => {
    const [a, b] = await Promise.all([started("a"), started("b")]);
    const script = (name: string) => ({ print: `printed by ${name}\n` });
    const [toldByA, toldByB] = await Promise.all([ask(a, script("a")), ask(b, script("b"))]);
    expect([toldByA.env.NAME, toldByB.env.NAME]).toEqual(["a", "b"]);
    expect([toldByA, toldByB].map(({ env }) => env.AWS_LAMBDA_RUNTIME_API)).toEqual(
      [a, b].map(({ runtimeApi }) => `127.0.0.1:${runtimeApi.port}`),
    );
    expect(a.runtimeApi.port).not.toBe(b.runtimeApi.port);
    expect(toldByA.pid).not.toBe(toldByB.pid);
    expect(toldByA.env.AWS_LAMBDA_METADATA_TOKEN).not.toBe(toldByB.env.AWS_LAMBDA_METADATA_TOKEN);

    await ask(a);
    expect([(await ask(a)).count, (await ask(b)).count]).toEqual([3, 2]);
    for (const [member, own, other] of [
      [a, "a", "b"],
      [b, "b", "a"],
    ] as const) {
      const log = member.takeLogs("id-1").text();
      expect(log).toStartWith(`init of ${own}\nSTART RequestId: id-1 Version: $LATEST\nprinted by ${own}\nEND `);
      expect(log).not.toContain(`printed by ${other}`);
      expect(Buffer.concat(member.shown).toString()).toBe(`init of ${own}\nprinted by ${own}\n`);
    }
  });

  test("have their own peak of memory", async () => {
    const [small, large] = await Promise.all([started("small"), started("large")]);
    await Promise.all([ask(small), ask(large, { allocateMb: 200 })]);
    const [ofSmall, ofLarge] = [small, large].map(({ reports }) => reports[0]?.maxMemoryMb ?? 0) as [number, number];
    expect(ofSmall).toBeGreaterThan(1);
    expect(ofLarge - ofSmall).toBeGreaterThan(150);
  });

  test("break for themselves: the other one's processes live on", async () => {
    const [a, b] = await Promise.all([started("a"), started("b")]);
    const { pid } = await ask(b);
    const { outcome } = await within(5000, "the failure", start(a, { exit: 7 }).settled);
    expect(outcome).toMatchObject({ kind: "fault", fault: { reason: "Runtime exited with error: exit status 7" } });
    const fresh = await ask(a);
    expect([fresh.count, fresh.env.NAME]).toEqual([1, "a"]);
    expect(await ask(b)).toMatchObject({ pid, count: 2 });
  });

  test("are disposed of one by one: the processes end, the port is free, the other one serves on", async () => {
    const [a, b] = await Promise.all([started("a", { runtimeApi: ownAddress() }), started("b")]);
    const [ofA, ofB] = await Promise.all([ask(a), ask(b)]);
    const running = start(a, { hang: true }, "id-2");
    await within(5000, "the disposal", Promise.resolve(a[Symbol.asyncDispose]()));
    expect((await running.settled).outcome).toEqual({ kind: "stopped" });
    expect([isAlive(ofA.pid), isAlive(ofB.pid)]).toEqual([false, true]);
    // Nobody else has it: a second environment takes the very port.
    const again = await started("again", { runtimeApi: a.runtimeApi });
    expect(again.runtimeApi).toEqual(a.runtimeApi);
    expect((await ask(again)).env.NAME).toBe("again");
    expect(await ask(b)).toMatchObject({ pid: ofB.pid, count: 2 });
  });

  test("refuse the port the other one has, by name", async () => {
    const a = build("a");
    expect(() => build("b", { runtimeApi: a.runtimeApi })).toThrow(ListenError);
    expect(() => build("b", { runtimeApi: a.runtimeApi })).toThrow("the Runtime API");
  });
});

test("disposing of one that was never started frees its port, and does so once", async () => {
  const { runtimeApi, ...member } = build("a", { runtimeApi: ownAddress() });
  await member[Symbol.asyncDispose]();
  await member[Symbol.asyncDispose]();
  expect(build("b", { runtimeApi }).runtimeApi).toEqual(runtimeApi);
});

test("a managed instance serves several at once, and ends with its processes", async () => {
  const member = await started("managed", {
    policy: managedInstance(3, undefined),
    variables: () => ({ PATH: process.env.PATH ?? "", SCRIPT_WORKERS: "3" }),
  });
  const slow = ["id-1", "id-2"].map((requestId) => start(member, { hang: true }, requestId));
  const quick = await within(5000, "the answer", start(member, { respond: '"quick"' }, "id-3").settled);
  expect(quick.outcome).toMatchObject({ kind: "response", body: Buffer.from('"quick"') });
  const last = start(member, { exit: 9 }, "id-4");
  const reasons = await Promise.all([...slow, last].map(({ settled }) => within(5000, "the failures", settled)));
  expect(reasons).toMatchObject(
    Array(3).fill({ outcome: { kind: "fault", fault: { reason: "Runtime exited with error: exit status 9" } } }),
  );
  await within(5000, "the end", member.ended);
});
