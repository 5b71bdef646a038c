/** A run of tests leaves nothing in the system's directory for temporary files. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

const repository = new URL("..", import.meta.url).pathname;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/init-leftovers-`);
  mkdirSync(`${directory}/tmp`);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Runs one test file. @returns its exit status and what is left */
async function run(body: string): Promise<{ status: number; left: string[] }> {
  const file = `${directory}/one.test.ts`;
  const makes = `const made = mkdtempSync(\`\${tmpdir()}/left-\`); mkdirSync(\`\${made}/closed\`, { mode: 0o555 });`;
  writeFileSync(
    file,
    `import { test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
${makes}
test("one", () => { writeFileSync(\`\${made}/file\`, ""); ${body} });
`,
  );
  const child = Bun.spawn([process.execPath, "test", file], {
    cwd: repository,
    env: { ...process.env, TMPDIR: `${directory}/tmp` },
    stdout: "ignore",
    stderr: "ignore",
  });
  return { status: await child.exited, left: readdirSync(`${directory}/tmp`) };
}

test.each([
  ["passes", "", 0],
  ["fails", 'throw new Error("as wanted");', 1],
  ["ends the process", "process.exit(3);", 3],
])("one that %s", async (_, body, status) => {
  expect(await run(body)).toEqual({ status, left: [] });
});
