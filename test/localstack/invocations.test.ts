/** What callers of a function in LocalStack get. */
import { describe, expect, test } from "bun:test";
import { binary } from "./setup/places.ts";
import { docker } from "./support/docker.ts";
import { createFunction, invoke, isInside, sharedLocalStack } from "./support/functions.ts";
import { hashOf } from "./support/localstack.ts";

describe.skipIf(!isInside)("in LocalStack", () => {
  test("the init that runs is the binary under test, by its hash", async () => {
    const localstack = sharedLocalStack();
    const expected = await hashOf(binary);
    expect(await localstack.initHash()).toBe(expected);
    const name = await createFunction(localstack.aws, { code: "def handler(event, context):\n  return event\n" });
    expect(await invoke(localstack.aws, name, { a: 1, ü: "😀" })).toMatchObject({ error: undefined });
    const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
    expect(await docker("exec", container, "sha256sum", "/var/rapid/init")).toStartWith(expected);
    expect(await docker("exec", container, "cat", "/proc/1/cmdline")).toStartWith("/var/rapid/init");
  });
});
