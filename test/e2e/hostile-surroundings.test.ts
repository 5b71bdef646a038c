/** Nothing in the function's directory or environment may steer init, and all of it must reach the function. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const hostile: Record<string, string> = {
  BUN_BE_BUN: "1",
  BUN_OPTIONS: "--version",
  BUN_INSPECT: "127.0.0.1:7999",
  BUN_INSPECT_CONNECT_TO: "127.0.0.1:7999",
  BUN_INSPECT_NOTIFY: "unix:///tmp/no-such-socket",
  BUN_JSC_useJIT: "0",
  BUN_JSC_logGC: "2",
  BUN_JSC_noSuchOption: "1",
  BUN_JSC_maxPerThreadStackUsage: "1000",
  BUN_CONFIG_VERBOSE_FETCH: "curl",
  BUN_PORT: "4444",
  NODE_OPTIONS: "--require /missing.js",
  NODE_ENV: "production",
  NODE_EXTRA_CA_CERTS: "/missing.pem",
  NODE_TLS_REJECT_UNAUTHORIZED: "0",
  FORCE_COLOR: "1",
  HTTP_PROXY: "http://127.0.0.1:1",
  http_proxy: "http://127.0.0.1:1",
  ALL_PROXY: "http://127.0.0.1:1",
  PORT: "4444",
  CONSOLA_LEVEL: "5",
  DEBUG: "1",
  CI: "1",
  TZ: "Mars/Olympus",
  _LAMBDA_RUNTIME_INIT_HELD_LOCALSTACK_USER: "nobody",
  _LAMBDA_RUNTIME_INIT_HELD_LOCALSTACK_RUNTIME_ID: "other",
};

describe("a variable that could steer Bun", () => {
  test.each(Object.entries(hostile))("%s changes nothing in init and reaches the function", async (name, value) => {
    const init = startInit(["sh", "-c", `echo "[$${name}]"; exit 3`], { env: { [name]: value } });
    expect(await init.exited()).toBe(1);
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
    expect(init.double.callbacks[0]?.text).toContain("exit status 3");
    expect(init.stdout).toBe(`[${value}]\n`);
    expect(init.stderr).toBe("");
  });

  test("changes nothing together with all the others, and leaves no trace of its own", async () => {
    const init = startInit(["sh", "-c", "env; exit 3"], { env: hostile });
    await init.exited();
    const seen = Object.fromEntries(
      init.stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/=(.*)/s)),
    ) as Record<string, string>;
    expect(seen).toMatchObject(hostile);
    expect(Object.keys(seen).filter((name) => name.startsWith("_LAMBDA") && !(name in hostile))).toEqual([]);
  });
});

/** Bun's allocator prints before any code of ours; init then starts anew without it. */
test("MIMALLOC_VERBOSE reaches the function and changes no more than lines on stderr", async () => {
  const init = startInit(["sh", "-c", 'echo "[$MIMALLOC_VERBOSE]"; exit 3'], { env: { MIMALLOC_VERBOSE: "1" } });
  expect(await init.exited()).toBe(1);
  expect(init.double.callbacks[0]?.text).toContain("exit status 3");
  expect(init.stdout).toBe("[1]\n");
});

test.each(["BUN_INSPECT_PRELOAD", "BUN_OPTIONS"])("%s runs no file of the function inside init", async (name) => {
  const file = `${mkdtempSync(`${tmpdir()}/init-e2e-`)}/preload.ts`;
  writeFileSync(file, 'console.log("PRELOADED"); process.exit(0);');
  const value = name === "BUN_OPTIONS" ? `--preload ${file}` : file;
  const init = startInit(["sh", "-c", `echo "[$${name}]"; exit 3`], { env: { [name]: value } });
  expect(await init.exited()).toBe(1);
  expect(init.stdout).toBe(`[${value}]\n`);
});

test("variables named like what every object has reach the function", async () => {
  const entries = ["__proto__", "constructor", "toString"].map((name): [string, string] => [name, `value of ${name}`]);
  // Over a restart, too.
  for (const more of [{}, { FORCE_COLOR: "1" }]) {
    const init = startInit(["sh", "-c", "env; exit 3"], { env: { ...Object.fromEntries(entries), ...more } });
    await init.exited();
    for (const [name, value] of entries) expect(init.stdout.split("\n")).toContain(`${name}=${value}`);
  }
});

test("without LocalStack's network in the way of a proxy, invocations work", async () => {
  // The fixture itself would take the proxy: it gets it under the name only init could mistake for its own.
  const init = startInit(runFixture("echoes.ts"), {
    env: { HTTPS_PROXY: "http://127.0.0.1:1", BUN_INSPECT_NOTIFY: "x" },
  });
  expect((await init.invoke("1")).body).toBe("1");
});

describe("a file in the function's directory", () => {
  const files: [name: string, content: string][] = [
    [".env", "LOCALSTACK_RUNTIME_ID=other\nAWS_LAMBDA_FUNCTION_TIMEOUT=1\n"],
    ["bunfig.toml", 'preload = ["./preload.ts"]\n[serve]\nport = 4444\n'],
    ["bunfig.toml", "this is = = broken"],
    ["package.json", "{ broken"],
    ["tsconfig.json", "{ broken"],
    ["libc.so.6", "not a library"],
  ];
  test.each(files)("named %s changes nothing", async (name, content) => {
    const cwd = mkdtempSync(`${tmpdir()}/init-e2e-`);
    writeFileSync(`${cwd}/${name}`, content);
    writeFileSync(`${cwd}/preload.ts`, 'console.log("PRELOADED"); process.exit(0);');
    const init = startInit(["sh", "-c", "exit 3"], { cwd });
    expect(await init.exited()).toBe(1);
    expect(init.double.callbacks[0]?.text).toContain("exit status 3");
    expect(init.stdout + init.stderr).toBe("");
  });
});
