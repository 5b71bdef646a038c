/** --watch beside the function's code: its files of variables, and what the page keeps in its directory. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Told } from "../fixtures/scripted-runtime.ts";
import { type Emulator, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";

afterEach(stopEmulators);

const changes = ({ stderr }: Emulator) => stderr.split("changed: the next call runs the new code").length - 1;

interface Watched {
  readonly emulator: Emulator;
  readonly code: string;
  /** Outside of the directory that is watched for code. */
  readonly file: string;
  write(text: string): void;
  /** Does it, and waits until that is seen. */
  seen(change: () => void): Promise<void>;
  /** What the function has under this name. */
  value(name: string): Promise<string | undefined>;
}

async function startWatched(text: string, flags: readonly string[] = []): Promise<Watched> {
  const code = mkdtempSync(`${tmpdir()}/watched-`);
  const file = `${mkdtempSync(`${tmpdir()}/variables-`)}/.env`;
  writeFileSync(file, text);
  const emulator = await startEmulator(scriptedRuntime, {
    flags: ["--watch", "--env-file", file, ...flags],
    cwd: code,
    env: { FROM_OUTSIDE: "stays" },
  });
  let count = 0;
  return {
    emulator,
    code,
    file,
    write: (changed) => writeFileSync(file, changed),
    async seen(change) {
      change();
      count++;
      await emulator.until("the change to be seen", (running) => changes(running) >= count);
    },
    async value(name) {
      const { env } = (await (await emulator.invoke({})).json()) as Told;
      return env[name];
    },
  };
}

describe("a changed file of variables", () => {
  test("is read again: the next call gets its values, and none that it no longer has", async () => {
    const { seen, write, value } = await startWatched("A=1\nB=1\nFROM_OUTSIDE=no\n");
    expect([await value("A"), await value("B"), await value("FROM_OUTSIDE")]).toEqual(["1", "1", "stays"]);
    await seen(() => write('A="2"\nC=3\n'));
    expect([await value("A"), await value("B"), await value("C")]).toEqual(["2", undefined, "3"]);
    expect(await value("FROM_OUTSIDE")).toBe("stays");
  });

  test("is, when an editor puts another file in its place", async () => {
    const { file, seen, value } = await startWatched("A=1\n");
    expect(await value("A")).toBe("1");
    await seen(() => {
      writeFileSync(`${file}.new`, "A=2\n");
      renameSync(`${file}.new`, file);
    });
    expect(await value("A")).toBe("2");
  });

  test("is, for each environment of several", async () => {
    const { seen, write, value } = await startWatched("A=1\n", ["--concurrency", "2"]);
    expect(await Promise.all([value("A"), value("A")])).toEqual(["1", "1"]);
    await seen(() => write("A=2\n"));
    expect(await Promise.all([value("A"), value("A")])).toEqual(["2", "2"]);
  });

  test("that cannot be read is named in one line, and the function keeps the values it had", async () => {
    const { emulator, file, seen, write, value } = await startWatched("A=1\n");
    expect(await value("A")).toBe("1");
    await seen(() => rmSync(file));
    await emulator.until("the fault to be told", ({ stderr }) => stderr.includes("cannot be read"));
    const lines = emulator.stderr.split("\n").filter((line) => line.includes("cannot be read"));
    expect(lines).toEqual([expect.stringContaining(`--env-file ${file} cannot be read: ENOENT`)]);
    expect(lines[0]).toEndWith("; the function keeps the variables it had");
    expect(await value("A")).toBe("1");
    await seen(() => write("A=2\n"));
    expect(await value("A")).toBe("2");
  });
});

describe("events that the page saves in the watched directory", () => {
  test("are no code: only what changes after them starts the function anew", async () => {
    const { emulator, code, seen, value } = await startWatched("A=1\n");
    expect(await value("A")).toBe("1");
    for (const name of ["first", "second"]) {
      const saved = await fetch(`http://127.0.0.1:${emulator.port}/_page/saved/${name}`, { method: "PUT", body: "{}" });
      expect(saved.status).toBe(200);
    }
    writeFileSync(`${code}/lambda-events.json`, '{"by hand": 1}');
    await seen(() => writeFileSync(`${code}/app.js`, "// code"));
    const told = emulator.stderr.split("\n").filter((line) => line.includes("changed: the next call"));
    expect(told).toEqual([expect.stringContaining(`${code}/app.js changed`)]);
  });
});
