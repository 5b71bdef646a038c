/** The ways to put the binary into LocalStack, as the README tells them. The other tests use the first one. */
import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { binary, runDirectory } from "./setup/places.ts";
import { docker } from "./support/docker.ts";
import { createFunction, invoke, isInside } from "./support/functions.ts";
import { hashOf, type StartedLocalStack, startLocalStack } from "./support/localstack.ts";

let localstack: StartedLocalStack | undefined;

afterEach(async () => {
  await localstack?.stop();
  localstack = undefined;
});

/** @returns the hash of the init that served an invocation */
async function hashOfInitIn({ aws }: StartedLocalStack): Promise<string> {
  const name = await createFunction(aws, { code: "def handler(event, context):\n  return event\n" });
  for (const event of [1, 2]) expect(await invoke(aws, name, event)).toMatchObject({ payload: String(event) });
  const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
  return (await docker("exec", container, "sha256sum", "/var/rapid/init")).split(" ")[0] as string;
}

describe.skipIf(!isInside)("init gets into a container", () => {
  test("as the installed package, into prebuilt images too", async () => {
    localstack = await startLocalStack({ port: 4567, settings: { LAMBDA_PREBUILD_IMAGES: "1" } });
    expect(await hashOfInitIn(localstack)).toBe(await hashOf(binary));
    expect(await docker("images", "--quiet", "localstack/prebuild-lambda-*")).not.toBe("");
  });

  test("by LAMBDA_INIT_BIN_PATH, in the place of the package", async () => {
    const other = `${runDirectory}/other-init`;
    writeFileSync(other, "#!/bin/sh\nexit 1\n");
    localstack = await startLocalStack({ port: 4567, init: other, settings: { LAMBDA_INIT_BIN_PATH: binary } });
    expect(await hashOfInitIn(localstack)).toBe(await hashOf(binary));
  });
});
