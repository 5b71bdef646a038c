/** Where a function's code comes from in LocalStack: layers, new versions of it, a directory that is watched. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { runDirectory } from "./setup/places.ts";
import { docker } from "./support/docker.ts";
import { createFunction, invoke, isInside, newName, sharedLocalStack, until, zipOf } from "./support/functions.ts";
import { extension, pollsForEver, publishLayer } from "./support/layers.ts";

const { aws } = isInside ? sharedLocalStack() : { aws: undefined as never };

const answers = (text: string) =>
  `import os\ndef handler(event, context):\n  return [${JSON.stringify(text)}, os.getpid()]\n`;

async function answerOf(name: string): Promise<[text: string, pid: number]> {
  const { error, payload } = await invoke(aws, name);
  if (error) throw new Error(payload);
  return JSON.parse(payload);
}

describe.skipIf(!isInside)("code", () => {
  test("of a layer is there, as executable as it was, with its extension", async () => {
    const layer = await publishLayer(aws, [
      { name: "python/shared.py", content: "word = 'of the layer'\n" },
      { name: "bin/tool", content: "#!/bin/sh\necho from a tool\n", mode: 0o100755 },
      {
        name: "extensions/notes",
        content: extension(`print("the extension is here", flush=True)\n${pollsForEver}`),
        mode: 0o100755,
      },
    ]);
    const code = `import subprocess, sys
sys.path.insert(0, "/opt/python")
import shared
def handler(event, context):
  return [shared.word, subprocess.check_output(["/opt/bin/tool"]).decode()]
`;
    const name = await createFunction(aws, { code, ...layer });
    for (let round = 0; round < 2; round++)
      expect(await invoke(aws, name)).toMatchObject({
        error: undefined,
        payload: '["of the layer", "from a tool\\n"]',
      });
    const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
    expect(await docker("logs", container)).toContain("the extension is here");
  });

  test("that is updated runs in a new container, and the old one goes", async () => {
    const name = await createFunction(aws, { code: answers("old") });
    expect(await answerOf(name)).toMatchObject(["old", expect.anything()]);
    const old = await docker("ps", "--quiet", "--filter", `name=${name}`);
    const ZipFile = zipOf([{ name: "handler.py", content: answers("new") }]);
    await aws.call("lambda", "update_function_code", { FunctionName: name, ZipFile });
    await until("the update", async () => {
      const { LastUpdateStatus } = await aws.call("lambda", "get_function_configuration", { FunctionName: name });
      return LastUpdateStatus === "Successful";
    });
    expect(await answerOf(name)).toMatchObject(["new", expect.anything()]);
    await until("the old container is gone", async () => !(await docker("ps", "-aq")).includes(old));
    await aws.call("lambda", "delete_function", { FunctionName: name });
    await until("the new one, too", async () => (await docker("ps", "-aq", "--filter", `name=${name}`)) === "");
  });

  test.each(["event", "polling"])("in a watched directory runs anew after a change: strategy %s", async (strategy) => {
    const S3Key = `${runDirectory}/${newName("code")}`;
    mkdirSync(`${S3Key}/inner`, { recursive: true });
    writeFileSync(`${S3Key}/handler.py`, `import inner.part\n${answers("first")}`);
    writeFileSync(`${S3Key}/inner/part.py`, "");
    const name = await createFunction(aws, {
      code: [],
      env: { LOCALSTACK_FILE_WATCHER_STRATEGY: strategy },
      more: { Code: { S3Bucket: "hot-reload", S3Key } },
    });
    const [first, pid] = await answerOf(name);
    expect(first).toBe("first");
    expect(await answerOf(name)).toEqual(["first", pid]);

    writeFileSync(`${S3Key}/handler.py`, `import inner.part\n${answers("second")}`);
    await until("the change", async () => (await answerOf(name))[0] === "second");

    // A file in a directory below, a file that breaks the code, and one that mends it.
    const [, before] = await answerOf(name);
    writeFileSync(`${S3Key}/inner/part.py`, "changed = 1\n");
    await until("new processes", async () => (await answerOf(name))[1] !== before);
    writeFileSync(`${S3Key}/handler.py`, "import no_such_module\n");
    await until("the error", async () => (await invoke(aws, name)).payload.includes("no_such_module"));
    writeFileSync(`${S3Key}/handler.py`, answers("mended"));
    await until("the mended code", async () => (await invoke(aws, name)).payload.includes("mended"));
  });
});
