/** One execution environment: an init that was started, and all that LocalStack does with it. */
import type { Callback, CallbackReceiver } from "./callback-receiver.ts";
import { within } from "./deadline.ts";
import { ExtensionDirectory, type ExtensionKind } from "./extension-directory.ts";
import { InvokeClient, type PreparedEvent } from "./invoke-client.ts";
import type { Network } from "./network.ts";

/** Where every init listens for invocations. */
export const invokePort = 9563;

/** Milliseconds LocalStack waits for a start, and how long any one invocation may take here. */
const startTimeoutMs = 20_000;
const invokeTimeoutMs = 30_000;

/** Milliseconds after which an init counts as one that sends no error status. */
const errorStatusTimeoutMs = 5000;

/** Milliseconds an ended init's last callback may need to be read from the socket. */
const lastCallbackMs = 250;

/** Milliseconds for a SIGTERM to end the init before it is killed. */
const stopTimeoutMs = 3000;

export interface StartOptions {
  readonly binary: string;
  readonly runtimeCommand: readonly string[];
  /** Where the init listens, and where `receiver` does. */
  readonly network: Network;
  readonly receiver: CallbackReceiver;
  /** The runtime exits before it polls, or reports an error of init first. */
  readonly runtimeFails?: "exit" | "error";
  readonly extension?: ExtensionKind;
}

/** Times in milliseconds. */
export class Environment {
  readonly startedAt: number;
  readonly #extensions: ExtensionDirectory | undefined;
  readonly #id = crypto.randomUUID().replaceAll("-", "");
  readonly #process: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #client: InvokeClient;
  readonly #ready = Promise.withResolvers<Callback>();
  readonly #failed = Promise.withResolvers<Callback>();
  #result = Promise.withResolvers<Callback>();
  #requestId = "";
  #logBytes = 0;

  constructor(private readonly options: StartOptions) {
    const { binary, runtimeCommand, network, receiver, runtimeFails, extension } = options;
    this.#extensions = extension && new ExtensionDirectory(extension);
    const endpoint = receiver.endpointFor(this.#id, (callback) => this.#receive(callback));
    const command = [...(this.#extensions?.prefix ?? []), binary, ...runtimeCommand];
    const env = environmentOf(this.#id, endpoint);
    if (runtimeFails) env.BENCH_RUNTIME_FAILS = runtimeFails;
    this.#client = new InvokeClient(network, invokePort);
    this.startedAt = performance.now();
    this.#process = network.make(() => Bun.spawn(command, { env, stdin: "ignore", stdout: "ignore", stderr: "pipe" }));
    process.once("exit", this.#kill);
  }

  /** Whether the extension was taken in, and its subscription too. */
  get isExtensionServed(): boolean {
    return this.#extensions?.isServed ?? false;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** @returns milliseconds from the start of the init to its `ready` */
  async ready(): Promise<number> {
    const ended = this.#process.exited.then((code) => {
      throw new Error(`it exited with ${code} before ready`);
    });
    try {
      const { at } = await within(startTimeoutMs, "ready", Promise.race([this.#ready.promise, ended]));
      return at - this.startedAt;
    } catch (error) {
      throw await this.#withStderr(error);
    }
  }

  /** @returns milliseconds from the start of the init to its error status; `undefined` when it sends none in time */
  async errorStatus(): Promise<number | undefined> {
    const given = this.#failed.promise;
    const silent = this.#process.exited.then(() => within(lastCallbackMs, "error status after the exit", given));
    try {
      const { at } = await within(errorStatusTimeoutMs, "error status", Promise.race([given, silent]));
      return at - this.startedAt;
    } catch {
      return undefined;
    }
  }

  /**
   * Runs one invocation.
   * @param logBytes how many bytes of log the init must have delivered before the result, at least
   * @returns milliseconds from the request to the arrival of the result, both ends included; `NaN` where the log had not
   * come whole by then, as may happen with LocalStack's own init
   */
  async invoke(event: PreparedEvent, logBytes = 0): Promise<number> {
    this.#requestId = crypto.randomUUID();
    this.#logBytes = 0;
    this.#result = Promise.withResolvers();
    this.#result.promise.catch(() => {}); // It may fail before it is waited for.
    const request = event.withId(this.#requestId);
    const startedAt = performance.now();
    const taken = this.#client.post(request);
    const [{ at, bytes }] = await within(invokeTimeoutMs, "result", Promise.all([this.#result.promise, taken]));
    if (bytes !== event.size) throw new Error(`the result has ${bytes} bytes, the event had ${event.size}`);
    return this.#logBytes < logBytes ? Number.NaN : at - startedAt;
  }

  async stop(): Promise<void> {
    this.#client.close();
    this.#process.kill("SIGTERM");
    await within(stopTimeoutMs, "exit", this.#process.exited).catch(this.#kill);
    await within(stopTimeoutMs, "exit after SIGKILL", this.#process.exited);
    process.off("exit", this.#kill);
    this.options.receiver.forget(this.#id);
    this.#extensions?.remove();
  }

  #receive(callback: Callback): void {
    if (callback.path === `status/${this.#id}/ready`) this.#ready.resolve(callback);
    else if (callback.path === `status/${this.#id}/error`) this.#failed.resolve(callback);
    else if (callback.path === `invocations/${this.#requestId}/logs`) this.#logBytes += callback.bytes;
    else if (callback.path === `invocations/${this.#requestId}/response`) this.#result.resolve(callback);
    else this.#result.reject(new Error(`an unexpected callback came: ${callback.path}`));
  }

  readonly #kill = () => this.#process.kill("SIGKILL");

  async #withStderr(error: unknown): Promise<Error> {
    this.#kill();
    const stderr = await within(stopTimeoutMs, "stderr", this.#process.stderr.text()).catch(() => "");
    return new Error(`${this.options.binary}: ${(error as Error).message}\n${stderr}`.trimEnd());
  }
}

/** What LocalStack sets for an init; as root the init stays root, for a bench has no user of its own to become. */
function environmentOf(id: string, endpoint: string): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LOCALSTACK_RUNTIME_ENDPOINT: endpoint,
    LOCALSTACK_RUNTIME_ID: id,
    LOCALSTACK_FUNCTION_ACCOUNT_ID: "000000000000",
    LOCALSTACK_INTEROP_PORT: String(invokePort),
    LOCALSTACK_USER: "root",
    LOCALSTACK_MAX_PAYLOAD_SIZE: "6291556",
    LOCALSTACK_CHMOD_PATHS: "[]",
    LOCALSTACK_HOSTNAME: "127.0.0.1",
    EDGE_PORT: "4566",
    AWS_LAMBDA_FUNCTION_NAME: "bench",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1024",
    AWS_LAMBDA_FUNCTION_TIMEOUT: "30",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_SESSION_TOKEN: "test",
    _HANDLER: "bench",
  };
}
