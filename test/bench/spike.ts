/**
 * The yardstick: the bare walk from LocalStack to a runtime and back on Bun, with no features, no checks and nothing
 * done about failures but the one error status. What the product costs more than this, its features cost.
 *
 * Written the obvious way on purpose: whole bodies, text, JSON.parse. Do not make it clever.
 */
import { dlopen, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

interface Invoke {
  readonly "invoke-id": string;
  readonly "invoked-function-arn": string;
  readonly "trace-id": string;
  readonly payload: string;
}

const endpoint = process.env.LOCALSTACK_RUNTIME_ENDPOINT;
const environmentId = process.env.LOCALSTACK_RUNTIME_ID;
const timeoutMs = Number(process.env.AWS_LAMBDA_FUNCTION_TIMEOUT) * 1000;
const memorySizeMb = process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
const startedAt = performance.now();

let isReady = false;
let initDurationMs: number | undefined;
let logs = "";
let current: { readonly invoke: Invoke; readonly startedAt: number } | undefined;
let waitingPoll: ((invoke: Invoke) => void) | undefined;
let callbacks: Promise<unknown> = Promise.resolve();

function tell(path: string, body: string | ArrayBuffer): void {
  callbacks = callbacks.then(async () => {
    const headers = { "Content-Type": "application/json" };
    await (await fetch(`${endpoint}/${path}`, { method: "POST", headers, body })).arrayBuffer();
  });
}

function begin(invoke: Invoke): void {
  current = { invoke, startedAt: performance.now() };
  logs += `START RequestId: ${invoke["invoke-id"]} Version: $LATEST\n`;
  waitingPoll?.(invoke);
  waitingPoll = undefined;
}

function finish(channel: "response" | "error", body: ArrayBuffer): void {
  if (!current) return;
  const id = current.invoke["invoke-id"];
  const ms = performance.now() - current.startedAt;
  logs += `END RequestId: ${id}\nREPORT RequestId: ${id}\tDuration: ${ms.toFixed(2)} ms\t`;
  logs += `Billed Duration: ${Math.ceil(ms)} ms\tMemory Size: ${memorySizeMb} MB\tMax Memory Used: ${memorySizeMb} MB\t`;
  if (initDurationMs !== undefined) logs += `Init Duration: ${initDurationMs.toFixed(2)} ms\t`;
  initDurationMs = undefined;
  current = undefined;
  tell(`invocations/${id}/logs`, JSON.stringify({ logs: `${logs}\n` }));
  tell(`invocations/${id}/${channel}`, body);
  logs = "";
}

function eventReply(invoke: Invoke): Response {
  return new Response(invoke.payload, {
    headers: {
      "Content-Type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": invoke["invoke-id"],
      "Lambda-Runtime-Deadline-Ms": String(Date.now() + timeoutMs),
      "Lambda-Runtime-Invoked-Function-Arn": invoke["invoked-function-arn"],
      "Lambda-Runtime-Trace-Id": invoke["trace-id"],
    },
  });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: 9001,
  idleTimeout: 0,
  development: false,
  async fetch(request) {
    const path = new URL(request.url).pathname;
    if (path === "/2018-06-01/runtime/invocation/next") {
      if (!isReady) {
        isReady = true;
        initDurationMs = performance.now() - startedAt;
        tell(`status/${environmentId}/ready`, "");
      }
      if (current) return eventReply(current.invoke);
      return eventReply(await new Promise<Invoke>((resolve) => (waitingPoll = resolve)));
    }
    finish(path.endsWith("/response") ? "response" : "error", await request.arrayBuffer());
    return new Response('{"status":"OK"}\n', { status: 202, headers: { "Content-Type": "application/json" } });
  },
});

Bun.serve({
  hostname: "0.0.0.0",
  port: 9563,
  idleTimeout: 0,
  development: false,
  async fetch(request) {
    begin(JSON.parse(await request.text()));
    return new Response("OK");
  },
});

const { pipe2 } = dlopen("libc.so.6", { pipe2: { args: ["ptr", "i32"], returns: "i32" } }).symbols;

function openPipe(): [readEnd: number, writeEnd: number] {
  const ends = new Int32Array(2);
  pipe2(ptr(ends), 0o2000000 /* O_CLOEXEC */);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

async function collect(readEnd: number): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of Bun.file(readEnd).stream()) {
    logs += decoder.decode(chunk, { stream: true });
    process.stdout.write(chunk);
  }
}

const [outRead, outWrite] = openPipe();
const [errRead, errWrite] = openPipe();
const runtime = Bun.spawn(process.argv.slice(2), {
  env: { ...process.env, AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001" },
  stdin: "ignore",
  stdout: outWrite,
  stderr: errWrite,
  detached: true,
});
closeSync(outWrite);
closeSync(errWrite);
void collect(outRead);
void collect(errRead);

process.on("SIGTERM", () => {
  runtime.kill("SIGKILL");
  process.exit(0);
});

const code = await runtime.exited;
const errorMessage = `RequestId: ${crypto.randomUUID()} Error: Runtime exited with error: exit status ${code}`;
tell(`status/${environmentId}/error`, JSON.stringify({ errorMessage, errorType: "Runtime.ExitError" }));
await callbacks;
process.exit(1);
