/** The APIs inside a managed instance, where several invocations run at once. */
import { describe, expect, test } from "bun:test";
import { Exchanges } from "../../src/environment/exchanges.ts";
import { Extensions } from "../../src/environment/extensions/extensions.ts";
import type { Invocation } from "../../src/environment/invocation.ts";
import { managedInstance } from "../../src/environment/policy.ts";
import { createRuntimeApi } from "../../src/runtime-api/app.ts";
import { accepted, apiOptions, base, invalidId, invocationOf, isPending, seen, unfinished } from "./fixture.ts";

const tooLate = {
  status: 410,
  body: '{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n',
  contentType: "application/json",
};

class Instance {
  readonly #policy = managedInstance(4, undefined);
  readonly exchanges = new Exchanges(this.#policy, {
    onFirstNext() {},
    onRestoreNext() {},
    onInitError() {},
    onInitErrorLost() {},
  });
  readonly extensions = new Extensions(this.#policy, () => {});
  readonly #app = createRuntimeApi({ ...apiOptions(), isManaged: true, host: this });

  fetch(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return Promise.resolve(this.#app.fetch(new Request(`http://localhost${path}`, { method, ...init })));
  }

  /** A worker polls and gets an event. */
  async run(requestId: string, takesStream = false): Promise<Invocation> {
    const invocation = invocationOf({ requestId, takesStream });
    const polled = this.fetch("GET", `${base}/invocation/next`);
    this.exchanges.dispatch(invocation);
    await polled;
    return invocation;
  }

  respond(id: string): Promise<Response> {
    return this.fetch("POST", `${base}/invocation/${id}/response`, { body: '"done"' });
  }

  timeOut(invocation: Invocation): void {
    invocation.end({ kind: "timeout", fault: { type: "Sandbox.Timedout", reason: "Task timed out" } });
    this.exchanges.forget(invocation);
  }
}

describe("D4: the answer to an invocation that timed out", () => {
  test.each([false, true])("that is under way by then is too late, once: as a stream: %p", async (takesStream) => {
    const instance = new Instance();
    const late = await instance.run("late", takesStream);
    const { body, push, end } = unfinished();
    const reply = instance.fetch("POST", `${base}/invocation/late/response`, { body });
    push("half");
    expect(await isPending(reply)).toBe(true);
    instance.timeOut(late);
    end();
    expect(await seen(await reply)).toEqual(tooLate);
    expect(await seen(await instance.respond("late"))).toEqual(invalidId);
  });

  test("is too late once, then its id is unknown; the others are answered", async () => {
    const instance = new Instance();
    const late = await instance.run("late");
    const other = await instance.run("other");
    instance.timeOut(late);
    expect(await seen(await instance.respond("late"))).toEqual(tooLate);
    expect(await seen(await instance.respond("late"))).toEqual(invalidId);
    expect(await seen(await instance.respond("other"))).toEqual(accepted);
    expect((await other.answer).kind).toBe("response");
    expect((await late.answer).kind).toBe("timeout");
  });

  test("is too late as an error, too", async () => {
    const instance = new Instance();
    instance.timeOut(await instance.run("late"));
    const reply = await instance.fetch("POST", `${base}/invocation/late/error`, { body: "{}" });
    expect(await seen(reply)).toEqual(tooLate);
  });

  test("its worker gets the next event", async () => {
    const instance = new Instance();
    instance.timeOut(await instance.run("late"));
    await instance.respond("late");
    const polled = instance.fetch("GET", `${base}/invocation/next`);
    expect(await isPending(polled)).toBe(true);
    instance.exchanges.dispatch(invocationOf({ requestId: "next" }));
    expect((await polled).headers.get("lambda-runtime-aws-request-id")).toBe("next");
  });
});

describe("D6: an extension", () => {
  const register = async (name: string, events: string[]) => {
    const instance = new Instance();
    instance.extensions.expect("ext");
    const headers = { "Lambda-Extension-Name": name };
    const body = JSON.stringify({ events });
    return await seen(await instance.fetch("POST", "/2020-01-01/extension/register", { headers, body }));
  };
  const refused = (errorMessage: string) => ({
    status: 403,
    body: `{"errorMessage":"${errorMessage}","errorType":"Extension.InvalidEventType"}\n`,
    contentType: "application/json",
  });

  test.each([[["INVOKE"]], [["SHUTDOWN", "INVOKE"]]])("cannot register for INVOKE: %j", async (events) => {
    expect(await register("ext", events)).toEqual(refused("INVOKE: ErrorInvalidEventType"));
  });

  test("can register for SHUTDOWN", async () => {
    expect(await register("ext", ["SHUTDOWN"])).toMatchObject({ status: 200 });
  });

  test("inside the runtime can register for nothing", async () => {
    expect(await register("internal", ["SHUTDOWN"])).toEqual(refused("No events allowed for internal extensions"));
  });
});
