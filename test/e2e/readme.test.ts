/** The commands of the README's section on running init directly do what it says. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { target } from "../support/target.ts";
import { waitUntil } from "../support/within.ts";
import { isRoot, repository } from "./support/init.ts";

/** The indented blocks of a section, each a text for the shell. */
function commandsBelow(heading: string): string[] {
  const page = readFileSync(`${repository}/README.md`, "utf8");
  const section = page.slice(page.indexOf(`\n${heading}\n`) + heading.length + 2).split("\n## ")[0] as string;
  return [...section.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replace(/^ {4}/gm, ""));
}

const obstacle = isRoot ? ["node", "curl"].find((program) => Bun.which(program) === null) : "a network of its own";

test.skipIf(obstacle !== undefined)("running init directly, with curl", async () => {
  const [receiver, init, curl, ...more] = commandsBelow("## Run it directly").map((command) =>
    command.replace("aws-lambda-rie-x86_64", `aws-lambda-rie-${target}`),
  );
  expect(more).toEqual([]);
  const running: Bun.Subprocess[] = [];
  const run = (command = "") => {
    // A group of its own, so that the program ends with its shell.
    const child = Bun.spawn(["bash", "-c", command], {
      cwd: repository,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.push(child);
    const seen = { text: "" };
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream) seen.text += new TextDecoder().decode(chunk);
    };
    void collect(child.stdout);
    void collect(child.stderr);
    return seen;
  };
  try {
    const told = run(receiver);
    const wrote = run(init);
    await waitUntil("it is ready", () => told.text.includes("/status/env1/ready"));
    const answer = run(curl);
    await waitUntil("the response", () => told.text.includes("/response "));
    await waitUntil("the answer", () => answer.text.includes("OK"));
    const id = "8f507cfc-7b2c-4b4f-a3b5-2f1e8c0f5a11";
    expect(told.text).toMatch(new RegExp(`/invocations/${id}/logs \\{"logs":"START RequestId: ${id} .*REPORT`));
    expect(told.text).toContain(`/invocations/${id}/response {"greeting":"Hello world"}\n`);
    expect(wrote.text).toContain('the function got {"name":"world"}');
  } finally {
    for (const { pid, exitCode } of running) if (exitCode === null) process.kill(-pid, "SIGTERM");
    await Promise.all(running.map(({ exited }) => exited));
  }
});
