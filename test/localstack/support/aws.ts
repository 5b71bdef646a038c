/** AWS's Python SDK, in a process of its own, as the caller of LocalStack. */
import { within } from "../../e2e/support/init.ts";
import { python, pythonEnvironment } from "../setup/places.ts";

/** What a call was refused with. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the shapes are AWS's, of a hundred calls
export type Answer = Record<string, any>;

/** Milliseconds a call may take: an invocation waits for a container that may not come up. */
const callLimitMs = 110_000;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class Aws {
  readonly #waiting = new Map<number, Waiting>();
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  #count = 0;

  /** @param endpoint LocalStack's address */
  constructor(private readonly endpoint: string) {
    this.#process = Bun.spawn([python, new URL("aws.py", import.meta.url).pathname], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: {
        ...pythonEnvironment,
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_DEFAULT_REGION: "us-east-1",
      },
    });
    void this.#read();
  }

  /**
   * Makes a call as boto3 does: `call("lambda", "get_function", { FunctionName: "f" })`. Buffers go as bytes and come so.
   * @throws AwsError
   */
  call(service: string, method: string, args: Answer = {}): Promise<Answer> {
    const id = this.#count++;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, { resolve, reject });
    const call = { id, endpoint: this.endpoint, service, method, args };
    this.#process.stdin.write(`${JSON.stringify(call, bytesToJson)}\n`);
    this.#process.stdin.flush();
    return within(promise, `${service}.${method}`, callLimitMs);
  }

  async end(): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#process.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line, bytesFromJson));
    }
    for (const { reject } of this.#waiting.values()) reject(new Error("boto3's process ended"));
  }

  #take({ id, result, error }: { id: number; result?: Answer; error?: { code: string; message: string } }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new AwsError(error.code, error.message));
    else waiting?.resolve(result ?? {});
  }
}

/** A Buffer has made itself `{type, data}` before it comes here. */
function bytesToJson(_: string, value: unknown): unknown {
  const isBuffer = typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
  return isBuffer ? { $base64: Buffer.from((value as unknown as { data: number[] }).data).toString("base64") } : value;
}

function bytesFromJson(_: string, value: unknown): unknown {
  const isBytes = typeof value === "object" && value !== null && "$base64" in value;
  return isBytes ? Buffer.from(value.$base64 as string, "base64") : value;
}
