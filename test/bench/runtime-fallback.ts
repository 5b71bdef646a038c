/** `runtime.c` again, for a machine without a C compiler: see there. */
import { writeSync } from "node:fs";

const fails = process.env.BENCH_RUNTIME_FAILS;
if (fails === "exit") process.exit(1);

const runtimeApi = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
if (fails !== undefined) {
  const body = '{"errorMessage":"no module","errorType":"Bench.Failed","stackTrace":[]}';
  const headers = { "Lambda-Runtime-Function-Error-Type": "Bench.Failed" };
  await (await fetch(`${runtimeApi}/init/error`, { method: "POST", headers, body })).bytes();
  process.exit(1);
}

const api = `${runtimeApi}/invocation`;
const line = Buffer.from(`${"one line of a function that talks a lot ".padEnd(81, ".")}\n`);

function writeLogs(count: number): void {
  const text = Buffer.alloc(count, line);
  for (let at = 0; at < count; ) at += writeSync(1, text, at);
}

for (;;) {
  const next = await fetch(`${api}/next`, { timeout: false } as RequestInit);
  const event = await next.bytes();
  const logs = /^\{"logs":(\d+)/.exec(Buffer.from(event.subarray(0, 32)).toString("latin1"))?.[1];
  if (logs !== undefined) writeLogs(Number(logs));
  const id = next.headers.get("lambda-runtime-aws-request-id");
  await (await fetch(`${api}/${id}/response`, { method: "POST", body: event })).bytes();
}
