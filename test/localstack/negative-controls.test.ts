/** These tests fail when they should: with inits that were made to be wrong. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { run } from "./setup/command.ts";
import { binary, repository, runDirectory } from "./setup/places.ts";
import { isInside, newName, sharedLocalStack } from "./support/functions.ts";
import { hashOf } from "./support/localstack.ts";
import { buildWrong, losesTheLastLine, losesTheReport, silent, type Wrong } from "./support/wrong-binaries.ts";

/** Which tests passed and which failed, by name. */
interface Results {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** Runs tests of this directory against a binary. @param pattern which ones, as `bun test -t` takes it */
async function runTests(path: string, file: string, pattern: string): Promise<Results> {
  const report = `${runDirectory}/${newName("report")}.xml`;
  const options = ["--timeout", "110000", "--concurrent", "--reporter=junit", `--reporter-outfile=${report}`];
  const command = [process.execPath, "test", ...options, "-t", pattern, `./test/localstack/${file}`];
  const { output } = await run(command, { seconds: 110, cwd: repository, env: { LOCALSTACK_TEST_BINARY: path } });
  if (!existsSync(report)) throw new Error(`no test was run: ${output}`);
  const cases = [...readFileSync(report, "utf8").matchAll(/<testcase name="([^"]*)"[^>]*?(\/>|>\s*<(\w+))/g)].filter(
    ([, , , inside]) => inside !== "skipped",
  );
  const namesOf = (isFailure: boolean) =>
    cases.filter(([, , , inside]) => (inside === "failure") === isFailure).map(([, name]) => name as string);
  rmSync(report);
  return { passed: namesOf(false).sort(), failed: namesOf(true).sort() };
}

async function resultsWith(wrong: Wrong, file: string, pattern: string): Promise<Results> {
  const path = await buildWrong(wrong);
  expect(await hashOf(path)).not.toBe(await hashOf(binary));
  const localstack = sharedLocalStack();
  localstack.useInit(path);
  try {
    expect(await localstack.initHash()).toBe(await hashOf(path));
    return await runTests(path, file, pattern);
  } finally {
    localstack.useInit(binary);
  }
}

describe.skipIf(!isInside)("the tests fail, and no others, with an init that", () => {
  test("is silent when the runtime ends in init", async () => {
    const pattern = "the runtime|bootstrap is missing|an extension ends";
    expect(await resultsWith(silent, "init-failures.test.ts", pattern)).toEqual({
      failed: [
        "the runtime exits with 0",
        "the runtime exits with 3",
        "the runtime is killed",
        "the runtime&apos;s wrapper is missing",
      ].sort(),
      passed: [
        "an extension ends",
        "bootstrap is missing",
        "the runtime reports an init error: its own words, each time, and every field",
      ].sort(),
    });
  });

  const logTests = {
    tail: "tail has START, each line in its order, END and REPORT, and nothing of another invocation",
    long: "tail has the last 4 KB of a long log",
    cloudWatch: "in CloudWatch has every line of every invocation, in order",
  };

  test("loses the last line of the function", async () => {
    expect(await resultsWith(losesTheLastLine, "logs.test.ts", "tail has|in CloudWatch")).toEqual({
      failed: [logTests.tail, logTests.long, logTests.cloudWatch].sort(),
      passed: [],
    });
  });

  test("loses the last line of the log", async () => {
    expect(await resultsWith(losesTheReport, "logs.test.ts", "tail has")).toEqual({
      failed: [logTests.tail, logTests.long].sort(),
      passed: [],
    });
  });
});

test.skipIf(!isInside)("the same tests pass with the binary under test, which is back", async () => {
  expect(await sharedLocalStack().initHash()).toBe(await hashOf(binary));
  const { failed, passed } = await runTests(binary, "logs.test.ts", "tail has|in CloudWatch");
  expect({ failed, passed: passed.length }).toEqual({ failed: [], passed: 3 });
});
