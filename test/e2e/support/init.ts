/** Starts the compiled binary as LocalStack would, and lets a test talk to it. */
import { existsSync, readFileSync } from "node:fs";
import { type DoubleOptions, type InvokeResult, LocalStackDouble } from "../../../examples/localstack-double.ts";
import { isRunning } from "../../../src/process/tree.ts";
import { freePort } from "../../support/free-port.ts";
import { hasNamespaces } from "../../support/namespaces.ts";
import { slowness, target, withoutEmulatorsWarning } from "../../support/target.ts";

export const repository = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");

/** The binary under test. */
export const binary = `${repository}/dist/aws-lambda-rie-${target}`;

/** Root, with the rights to have a network and mounts of its own. */
export const isRoot = hasNamespaces;

/** Milliseconds any wait may take before it fails. */
export const patienceMs = 50_000 * slowness;

/** A fixture's path. */
export function fixture(name: string): string {
  const path = `${repository}/test/fixtures/${name}`;
  if (!existsSync(path)) throw new Error(`no such fixture: ${path}`);
  return path;
}

/** The command that runs a fixture: Bun for TypeScript, sh or bash for scripts. */
export function runFixture(name: string, ...args: string[]): string[] {
  const path = fixture(name);
  if (name.endsWith(".ts")) return [process.execPath, path, ...args];
  return [name.endsWith(".bash") ? "bash" : "sh", path, ...args];
}

/** What LocalStack puts into a container, as far as init needs it. */
export function localstackEnvironment(double: LocalStackDouble): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    LOCALSTACK_RUNTIME_ENDPOINT: double.endpoint,
    LOCALSTACK_RUNTIME_ID: double.environmentId,
    LOCALSTACK_FUNCTION_ACCOUNT_ID: "000000000000",
    LOCALSTACK_INIT_LOG_LEVEL: "warn",
    LOCALSTACK_MAX_PAYLOAD_SIZE: "6291556",
    LOCALSTACK_CHMOD_PATHS: "[]",
    LOCALSTACK_HOSTNAME: "localhost.localstack.cloud",
    LOCALSTACK_USER: "root",
    EDGE_PORT: "4566",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_REGION: "us-east-1",
    AWS_LAMBDA_FUNCTION_NAME: "fn",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_TIMEOUT: "10",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/fn",
    AWS_ACCESS_KEY_ID: "key",
    AWS_SECRET_ACCESS_KEY: "secret",
    TZ: ":UTC",
    LAMBDA_TASK_ROOT: "/var/task",
    _HANDLER: "app.handler",
  };
}

export interface StartOptions extends DoubleOptions {
  /** In place of the binary under test. */
  readonly program?: string;
  /** Words before the binary, such as `unshare`. */
  readonly prefix?: readonly string[];
  readonly flags?: readonly string[];
  /** Added to LocalStack's; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Init is to find no LocalStack: the double is stopped before init starts. */
  readonly withoutLocalStack?: boolean;
}

/** What an invocation is asked with, beside its payload. */
export interface InvokeOptions {
  readonly id?: string;
  readonly arn?: string;
  readonly traceId?: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A running init, its LocalStack, and everything it wrote. */
export class Init {
  stdout = "";
  #stderr = "";
  readonly #outputs: Promise<unknown>;
  readonly #onOutput: (() => void)[] = [];

  constructor(
    readonly double: LocalStackDouble,
    readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">,
    readonly invokePort: number,
    readonly runtimeApiPort: number,
  ) {
    this.#outputs = Promise.all([
      collect(process.stdout, (text) => {
        this.stdout += text;
        this.#wake();
      }),
      collect(process.stderr, (text) => {
        this.#stderr += text;
        this.#wake();
      }),
    ]);
  }

  get stderr(): string {
    return withoutEmulatorsWarning(this.#stderr);
  }

  /** Posts an invocation, as it is. */
  post(body: string | Uint8Array | ReadableStream<Uint8Array>, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.invokePort}/invoke`, { method: "POST", body, ...init });
  }

  /** Posts an invocation and returns its id at once. */
  async send(payload: string, options: InvokeOptions = {}): Promise<string> {
    const id = options.id ?? crypto.randomUUID();
    const body = {
      "invoke-id": id,
      "invoked-function-arn": options.arn ?? "arn:aws:lambda:us-east-1:000000000000:function:fn",
      "trace-id": options.traceId ?? "Root=1-a;Parent=b;Sampled=1",
      payload,
      ...options.extra,
    };
    const answer = await this.post(JSON.stringify(body));
    if (answer.status !== 200) throw new Error(`/invoke answered ${answer.status}: ${await answer.text()}`);
    return id;
  }

  /** Runs an invocation to its result, once init is ready. */
  async invoke(payload: string, options: InvokeOptions = {}): Promise<InvokeResult & { id: string }> {
    await this.double.waitForReady();
    const id = await this.send(payload, options);
    return { id, ...(await this.double.waitForResult(id)) };
  }

  /**
   * The exit status, once the process has ended and all it wrote was read. Told that the start failed, LocalStack stops the
   * container.
   */
  async exited(): Promise<number> {
    const failed = this.double.waitForStatusError();
    failed.then(
      () => this.signal("SIGTERM"),
      () => {},
    );
    return await this.exitedByItself();
  }

  /** As `exited`, without anybody's asking for it. */
  async exitedByItself(ms = patienceMs): Promise<number> {
    const status = await within(this.process.exited, "the exit of init", ms);
    await within(this.#outputs, "the end of init's output");
    return status;
  }

  /** Resolves when init has written this to stderr. */
  waitForStderr(what: string | RegExp, ms = patienceMs): Promise<void> {
    return this.#waitForOutput(what, () => this.stderr, ms);
  }

  /** Resolves when this came to stdout. */
  waitForStdout(what: string | RegExp): Promise<void> {
    return this.#waitForOutput(what, () => this.stdout, patienceMs);
  }

  async #waitForOutput(what: string | RegExp, output: () => string, ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    while (output().match(what) === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onOutput.push(resolve);
      await within(promise, `${what} in the output, not only:\n${output()}`, deadline - performance.now());
    }
  }

  #wake(): void {
    for (const wake of this.#onOutput.splice(0)) wake();
  }

  /** The largest resident set so far, MB; not behind `unshare`. */
  peakRssMb(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  /** Sends init a signal, once it is there; one that has ended gets none. */
  signal(signal: NodeJS.Signals): void {
    const deadline = performance.now() + patienceMs;
    while (isRunning(this.process.pid)) {
      const pid = this.#initPid();
      if (pid !== undefined) return void process.kill(pid, signal);
      if (performance.now() > deadline) throw new Error(`no init for ${signal}: unshare has no child`);
      Bun.sleepSync(1);
    }
  }

  /** `unshare` keeps the signals it gets to itself: behind it, its child is init. `undefined`: it has none now. */
  #initPid(): number | undefined {
    const { pid } = this.process;
    if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() !== "unshare") return pid;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return child === undefined ? undefined : Number(child);
  }

  /** Ends init as `docker stop` does. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.signal(signal);
    const status = await this.exitedByItself();
    this.double.stop();
    return status;
  }
}

const running: Init[] = [];

/**
 * Starts init with a runtime. As root each test file runs in a network namespace of its own (test/run.ts) and init
 * takes the ports it takes in a container; otherwise it gets free ones.
 */
export function startInit(command: readonly string[], options: StartOptions = {}): Init {
  const double = new LocalStackDouble(options);
  const hasOwnNetwork = process.env.E2E_OWN_NETWORK === "1";
  const invokePort = hasOwnNetwork ? 9563 : freePort();
  const runtimeApiPort = hasOwnNetwork ? 9001 : freePort();
  const ports = hasOwnNetwork ? {} : { LOCALSTACK_INTEROP_PORT: String(invokePort) };
  const flags = hasOwnNetwork ? [] : ["--runtime-api-address", `127.0.0.1:${runtimeApiPort}`];
  const env = { ...localstackEnvironment(double), ...ports, ...options.env };
  if (options.withoutLocalStack) double.stop();
  const { program = binary } = options;
  const child = Bun.spawn([...(options.prefix ?? []), program, ...flags, ...(options.flags ?? []), ...command], {
    cwd: options.cwd ?? "/tmp",
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) as Record<string, string>,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const init = new Init(double, child, invokePort, runtimeApiPort);
  running.push(init);
  return init;
}

/** To be called after each test: ends what it left running. */
export async function stopAll(): Promise<void> {
  for (const init of running.splice(0)) {
    if (init.process.exitCode === null && init.process.signalCode === null) init.signal("SIGTERM");
    await within(init.process.exited, "the exit of init");
    init.double.stop();
  }
}

/** Waits for `promise`, at most for `ms` milliseconds. */
export async function within<T>(promise: Promise<T>, what: string, ms = patienceMs): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${Math.round(ms)} ms for ${what}`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}
