/** Each example is started by the one command its README names, and answers. */
import { afterEach, describe, expect, test } from "bun:test";
import { type Client, nodeClient, pythonClient, whyMissing } from "./support/clients.ts";
import { type Emulator, startEmulator, stopEmulators } from "./support/emulator.ts";
import { repository } from "./support/init.ts";

afterEach(stopEmulators);

const readme = await Bun.file(`${repository}/examples/README.md`).text();

/** The words behind `emulator` in the row of a directory. */
function commandOf(directory: string): string[] {
  const [, command] = new RegExp(`^\\| \`${directory}/\` \\| \`emulator ([^\`]+)\``, "m").exec(readme) ?? [];
  if (command === undefined) throw new Error(`examples/README.md has no row for ${directory}/`);
  return command.split(" ");
}

function start(directory: string, command: string[], env: Record<string, string> = {}): Promise<Emulator> {
  const path = `${repository}/node_modules/.bin:${process.env.PATH}`;
  return startEmulator(command, {
    cwd: `${repository}/examples/${directory}`,
    env: { PATH: path, AWS_LAMBDA_FUNCTION_TIMEOUT: "20", ...env },
  });
}

/** The client is not where the README has it installed, but in the tests' cache. */
function withClient(client: Client, command: string[]): string[] {
  return client.command(client.directory, command.at(-1) as string);
}

describe("the example", () => {
  test.skipIf(Bun.which("curl") === null)("shell/ says what it was sent", async () => {
    const emulator = await start("shell", commandOf("shell"));
    expect((await emulator.ask({ name: "Ada" })) as unknown).toEqual({ youSent: { name: "Ada" } });
    await emulator.until("its output", ({ stdout }) => stdout.includes('the function got {"name":"Ada"}'));
  });

  test("bun/ answers word by word", async () => {
    const emulator = await start("bun", commandOf("bun"));
    const mode = { "Lambda-Runtime-Function-Response-Mode": "streaming" };
    const answer = await emulator.post('{"name":"Ada"}', mode);
    const pieces: string[] = [];
    for await (const bytes of answer.body as ReadableStream<Uint8Array>) pieces.push(new TextDecoder().decode(bytes));
    expect(pieces.join("")).toBe("Hello Ada from a stream\n ");
    expect(pieces.length).toBeGreaterThan(1);
  });

  test.skipIf(whyMissing(nodeClient) !== undefined)("node/ greets", async () => {
    const emulator = await start("node", withClient(nodeClient, commandOf("node")));
    expect((await emulator.ask({ name: "Ada" })) as unknown).toMatchObject({ greeting: "Hello Ada" });
  });

  test.skipIf(whyMissing(pythonClient) !== undefined)("python/ greets", async () => {
    const command = withClient(pythonClient, commandOf("python"));
    const emulator = await start("python", command, pythonClient.env(pythonClient.directory));
    expect((await emulator.ask({ name: "Ada" })) as unknown).toMatchObject({ greeting: "Hello Ada" });
  });
});
