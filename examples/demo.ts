/**
 * Runs functions that work and functions that fail behind the binary, and shows what LocalStack would receive.
 * `npm run demo` builds the binary first.
 */
import { LocalStackDouble } from "./localstack-double.ts";

const directory = new URL(".", import.meta.url).pathname;
const binary = `${directory}../dist/aws-lambda-rie-${process.arch === "arm64" ? "arm64" : "x86_64"}`;
if (!(await Bun.file(binary).exists())) {
  console.error(`${binary} is not there. Build it with: npm run build -- --host`);
  process.exit(1);
}

const good = [process.execPath, `${directory}good-function.ts`];

await show("A good function, told to answer, to fail, to crash, and to answer again", good, [
  '{"name":"Ada"}',
  '{"fail":true}',
  '{"exit":3}',
  '{"name":"Bob"}',
]);
await show("A function that exits while it starts", ["sh", "-c", "echo about to fail; exit 42"]);
await show("A function whose bootstrap is missing", ["/var/task/no-bootstrap-here"]);
await show("A function that is killed while it starts", ["sh", "-c", "kill -9 $$"]);
await show("A function that takes longer than it may", good, ['{"sleep":5}', '{"name":"Eve"}'], {
  AWS_LAMBDA_FUNCTION_TIMEOUT: "1",
});
await show("A function with a setting that makes no sense", good, [], { AWS_LAMBDA_FUNCTION_TIMEOUT: "soon" });

/** Starts the binary with a runtime, invokes it if it becomes ready, and prints every callback as it came. */
async function show(title: string, command: string[], events: string[] = [], env: Record<string, string> = {}) {
  console.log(`\n${title}`);
  const localstack = new LocalStackDouble();
  const ports = { invoke: freePort(), runtimeApi: freePort() };
  const startedAt = performance.now();
  const init = Bun.spawn([binary, "--runtime-api-address", `127.0.0.1:${ports.runtimeApi}`, ...command], {
    cwd: "/tmp",
    env: {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      LOCALSTACK_RUNTIME_ENDPOINT: localstack.endpoint,
      LOCALSTACK_RUNTIME_ID: localstack.environmentId,
      LOCALSTACK_INTEROP_PORT: String(ports.invoke),
      // As whoever runs the demo: without this, init started as root becomes the user of a container.
      LOCALSTACK_USER: "root",
      AWS_LAMBDA_FUNCTION_TIMEOUT: "3",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      AWS_REGION: "us-east-1",
      ...env,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });

  const first = await localstack.waitFor("status", ({ kind }) => kind === "ready" || kind === "status error");
  console.log(`  after ${(performance.now() - startedAt).toFixed(0)} ms LocalStack hears: ${first.kind} ${first.text}`);
  for (const event of first.kind === "ready" ? events : []) {
    const id = crypto.randomUUID();
    const body = JSON.stringify({
      "invoke-id": id,
      "invoked-function-arn": "arn:demo",
      "trace-id": "",
      payload: event,
    });
    await fetch(`http://127.0.0.1:${ports.invoke}/invoke`, { method: "POST", body });
    const result = await localstack.waitForResult(id);
    console.log(`\n  invoked with ${event}, LocalStack hears: ${result.kind} ${result.body}`);
    console.log(result.logs.trimEnd().replace(/^/gm, "    | "));
  }
  // After a status error it ends by itself.
  if (first.kind === "ready") init.kill("SIGTERM");
  const status = await init.exited;
  console.log(`  the binary ended with status ${status}`);
  localstack.stop();
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
