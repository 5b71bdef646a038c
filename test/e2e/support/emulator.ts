/** Starts the compiled binary as a developer would, without LocalStack, and lets a test call the function. */
import type { Script, Told } from "../../fixtures/scripted-runtime.ts";
import { freePort } from "../../support/free-port.ts";
import { withoutEmulatorsWarning } from "../../support/target.ts";
import { binary, fixture, patienceMs, within } from "./init.ts";

const hasOwnNetwork = process.env.E2E_OWN_NETWORK === "1";

export const scriptedRuntime = [process.execPath, fixture("scripted-runtime.ts")];

export interface EmulatorOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Words before the binary, such as `unshare`. */
  readonly prefix?: readonly string[];
  /** Another program than ours: AWS's emulator. */
  readonly program?: string;
  readonly stdin?: string;
  /** Nothing waits until it answers. */
  readonly mayFail?: boolean;
}

/** One chunk as a reader of a pipe gets it. */
export interface Chunk {
  readonly at: number;
  readonly bytes: Buffer;
}

export class Emulator {
  #stderr = "";
  readonly chunks: Chunk[] = [];
  readonly #outputs: Promise<unknown>;
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly process: Bun.Subprocess<"ignore" | "pipe" | Blob, "pipe", "pipe">,
    readonly port: number,
    readonly runtimeApiPort: number,
  ) {
    const tell = () => {
      for (const listener of [...this.#listeners]) listener();
    };
    this.#outputs = Promise.all([
      read(process.stdout, (bytes) => {
        this.chunks.push({ at: performance.now(), bytes });
        tell();
      }),
      read(process.stderr, (bytes) => {
        this.#stderr += bytes;
        tell();
      }),
    ]);
  }

  get stderr(): string {
    return withoutEmulatorsWarning(this.#stderr);
  }

  get stdout(): string {
    return Buffer.concat(this.chunks.map(({ bytes }) => bytes)).toString();
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Calls the function as `curl` does. */
  post(body: string | Uint8Array, headers: Record<string, string> = {}, path = invokePath): Promise<Response> {
    return fetch(this.url + path, { method: "POST", body: body as Uint8Array<ArrayBuffer> | string, headers });
  }

  invoke(script: Script & Record<string, unknown>, headers: Record<string, string> = {}): Promise<Response> {
    return this.post(JSON.stringify(script), headers);
  }

  /** What the runtime knows, told by itself. */
  async ask(event: unknown = {}, headers: Record<string, string> = {}, path = invokePath): Promise<Told> {
    const answer = await this.post(JSON.stringify(event), headers, path);
    return (await answer.json()) as Told;
  }

  /** Resolves when what was written so far, or is written later, fulfils the condition. */
  async until(what: string, condition: (emulator: this) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => condition(this) && resolve();
    this.#listeners.add(look);
    look();
    await within(promise, what).catch((error) => {
      throw new Error(`${error.message}\nstdout: ${this.stdout.slice(-2000)}\nstderr: ${this.stderr.slice(-2000)}`);
    });
    this.#listeners.delete(look);
  }

  /** Resolves when the port takes connections: what SAM CLI waits for. */
  async connected(): Promise<void> {
    const tryOnce = async (): Promise<boolean> => {
      try {
        (await Bun.connect({ hostname: "127.0.0.1", port: this.port, socket: { data() {} } })).end();
        return true;
      } catch {
        return false;
      }
    };
    const deadline = performance.now() + patienceMs;
    while (!(await tryOnce())) {
      if (performance.now() > deadline) throw new Error(`nothing listens on ${this.port}\n${this.stderr}`);
    }
  }

  async exited(): Promise<number> {
    const status = await within(this.process.exited, "the exit of the emulator");
    await within(this.#outputs, "the end of the emulator's output");
    return status;
  }

  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.process.kill(signal);
    return this.exited();
  }
}

export const invokePath = "/2015-03-31/functions/function/invocations";
export const streamPath = "/2021-11-15/functions/fn/response-streaming-invocations";

const running: Emulator[] = [];

/** As root each test file has a network of its own, and the emulator takes its usual ports; otherwise it gets free ones. */
export async function startEmulator(
  command: readonly string[] = scriptedRuntime,
  options: EmulatorOptions = {},
): Promise<Emulator> {
  const [port, runtimeApiPort] = hasOwnNetwork ? [8080, 9001] : [freePort(), freePort()];
  const addresses = hasOwnNetwork
    ? []
    : [
        "--runtime-interface-emulator-address",
        `0.0.0.0:${port}`,
        "--runtime-api-address",
        `127.0.0.1:${runtimeApiPort}`,
      ];
  const env = { PATH: process.env.PATH, AWS_LAMBDA_FUNCTION_TIMEOUT: "3", TZ: "UTC", ...options.env };
  const child = Bun.spawn(
    [...(options.prefix ?? []), options.program ?? binary, ...addresses, ...(options.flags ?? []), ...command],
    {
      cwd: options.cwd ?? "/tmp",
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) as Record<string, string>,
      stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const emulator = new Emulator(child, port, runtimeApiPort);
  running.push(emulator);
  if (options.mayFail) return emulator;
  await emulator.until("the emulator to listen", ({ stderr }) => stderr.includes("(rapid) exec"));
  // AWS's says so before it listens.
  if (options.program) await emulator.connected();
  return emulator;
}

/** To be called after each test: ends what it left running. */
export async function stopEmulators(): Promise<void> {
  for (const { process } of running.splice(0)) {
    if (process.exitCode !== null || process.signalCode !== null) continue;
    process.kill("SIGINT");
    process.kill("SIGINT");
    await within(process.exited, "the exit of the emulator");
  }
}

async function read(stream: ReadableStream<Uint8Array>, take: (bytes: Buffer) => void): Promise<void> {
  for await (const chunk of stream) take(Buffer.from(chunk));
}

/**
 * Makes a call again until the tail of its log, in base64, is whole: an answer does not wait long for a runtime that is slow to
 * ask for its next event, and then comes before the REPORT (docs/contract/emulator.md E30).
 */
export async function withReport<T>(call: () => Promise<T>, tailOf: (answer: T) => string): Promise<T> {
  for (let callsLeft = 20; ; callsLeft--) {
    const answer = await call();
    if (textOf(tailOf(answer)).includes("REPORT") || callsLeft === 1) return answer;
  }
}

/** Of base64. */
export const textOf = (base64: string) => Buffer.from(base64, "base64").toString();
