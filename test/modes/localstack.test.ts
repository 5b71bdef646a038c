import { afterAll, expect, spyOn, test } from "bun:test";
import { failStart } from "../../src/modes/localstack.ts";
import { exitStatus, type Program } from "../../src/modes/program.ts";
import { ConfigurationError } from "../../src/settings/setting.ts";
import { stderr } from "../../src/standard-streams.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { within } from "../support/within.ts";

const stderrLines = spyOn(stderr, "writeLine").mockImplementation(() => {});
afterAll(() => stderrLines.mockRestore());

test("a failed start waits for a LocalStack that is silent no longer than LocalStack waits for its end", async () => {
  const called = Promise.withResolvers<void>();
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => called.resolve() } });
  const clock = new FakeClock();
  const stopping = new AbortController();
  const given = { LOCALSTACK_RUNTIME_ENDPOINT: `http://127.0.0.1:${silent.port}`, LOCALSTACK_RUNTIME_ID: "id" };
  const program = { given, clock, stopSignal: stopping.signal } as unknown as Program;
  let status: number | undefined;
  const failing = failStart(program, new ConfigurationError("AWS_REGION is missing")).then((value) => {
    status = value;
  });
  await within(5000, "a callback", called.promise);
  stopping.abort();
  await clock.advance(4499);
  expect(status).toBeUndefined();
  await clock.advance(1);
  await within(5000, "the end", failing);
  expect(status).toBe(exitStatus.badConfiguration);
  expect(stderrLines.mock.calls).toEqual([["lambda-runtime-init: AWS_REGION is missing\n"]]);
  silent.stop(true);
});
