/** A container with the binary under test as its init, without LocalStack: a double takes the callbacks. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type InvokeResult, LocalStackDouble } from "../../../examples/localstack-double.ts";
import { localstackEnvironment, within } from "../../e2e/support/init.ts";
import { run } from "../setup/command.ts";
import { bridgeAddress } from "../setup/engine.ts";
import { imageOf } from "../setup/images.ts";
import { binary, runDirectory } from "../setup/places.ts";
import { docker, dockerEnvironment } from "./docker.ts";

/** The handler of the image: says who it is, or does what the event says. */
const handler = `import os, time
def handler(event, context):
    if "exit" in event: os._exit(event["exit"])
    if "sleep" in event:
        print("sleeping", flush=True)
        time.sleep(event["sleep"])
    if "write" in event: open(event["write"], "w").close()
    if "fill" in event: return len(b"x" * event["fill"])
    return [os.getuid(), os.getgid(), os.getgroups()]
`;

/** Makes an image of Python's runtime with init and the handler in it; `removeImages` is its end. @param lines more of its Dockerfile */
export async function makeImage(name: string, ...lines: readonly string[]): Promise<string> {
  const context = `${runDirectory}/context-${name}`;
  mkdirSync(context, { recursive: true });
  copyFileSync(binary, `${context}/init`);
  writeFileSync(`${context}/handler.py`, handler);
  const files = ["COPY init /var/rapid/init", "COPY handler.py /var/task/"];
  writeFileSync(`${context}/Dockerfile`, [`FROM ${imageOf("python3.13")}`, ...files, ...lines, ""].join("\n"));
  const image = `lambda-init-tests/${name}`;
  await docker("build", "--quiet", "--tag", image, context);
  rmSync(context, { recursive: true });
  made.push(image);
  return image;
}

const made: string[] = [];
const started: InitContainer[] = [];

export interface ContainerOptions {
  /** Of `docker create`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What runs in place of init, as PID 1. */
  readonly command?: readonly [string, ...string[]];
}

export class InitContainer {
  constructor(
    readonly id: string,
    readonly double: LocalStackDouble,
    private readonly env: readonly string[],
  ) {}

  /** Starts `docker exec` of init, in a container that runs something else. */
  execInit(): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    return Bun.spawn(["docker", "exec", ...this.env, this.id, "/var/rapid/init"], {
      env: { ...process.env, ...dockerEnvironment },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Posts an invocation, once init is ready. @returns its id */
  async send(event: unknown): Promise<string> {
    await this.double.waitForReady();
    const id = crypto.randomUUID();
    const address = await this.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
    const answer = await fetch(`http://${address}:9563/invoke`, {
      method: "POST",
      body: JSON.stringify({
        "invoke-id": id,
        "invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:fn",
        "trace-id": "Root=1-a;Parent=b;Sampled=1",
        payload: JSON.stringify(event),
      }),
      signal: AbortSignal.timeout(20_000),
    });
    if (!answer.ok) throw new Error(`/invoke answered ${answer.status}`);
    return id;
  }

  async invoke(event: unknown = {}): Promise<InvokeResult> {
    return await this.double.waitForResult(await this.send(event));
  }

  inspect(format: string): Promise<string> {
    return docker("inspect", "--format", format, this.id);
  }

  /** A shell's output in the container. */
  exec(script: string): Promise<string> {
    return docker("exec", this.id, "sh", "-c", script);
  }

  /** Both streams, as `docker logs` shows them. */
  async logs(): Promise<string> {
    return (await run(["docker", "logs", this.id], { seconds: 20, env: dockerEnvironment })).output;
  }

  /** The exit status of a container that ends by itself. */
  async exited(): Promise<number> {
    return Number(await within(docker("wait", this.id), "the end of the container"));
  }

  /** Stops it as LocalStack does. @returns the exit status: 137 when it had to be killed, 5 seconds later */
  async stop(): Promise<number> {
    await docker("stop", "--time", "5", this.id);
    return Number(await this.inspect("{{.State.ExitCode}}"));
  }
}

/** Creates a container and starts it. */
export async function startContainer(image: string, options: ContainerOptions = {}): Promise<InitContainer> {
  const { flags = [], env = {}, command = ["/var/rapid/init"] } = options;
  const double = new LocalStackDouble({ host: bridgeAddress });
  const { PATH: _, LOCALSTACK_USER: __, ...variables } = localstackEnvironment(double);
  const given = { ...variables, _HANDLER: "handler.handler", LOCALSTACK_CHMOD_PATHS: chmodPaths, ...env };
  const envFlags = Object.entries(given).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const [program, ...args] = command;
  const id = await docker("create", ...envFlags, "--entrypoint", program, ...flags, image, ...args);
  const container = new InitContainer(id, double, envFlags);
  started.push(container);
  await docker("start", id);
  return container;
}

/** LocalStack has init do this in each container. */
const chmodPaths = '[{"path": "/tmp", "mode": "0700"}]';

/** To be called after each test. */
export async function removeContainers(): Promise<void> {
  for (const { id, double } of started.splice(0)) {
    double.stop();
    await docker("rm", "--force", id);
  }
}

/** To be called at the end: dockerd keeps its images, each with a binary in it, from one run to the next. */
export async function removeImages(): Promise<void> {
  for (const image of made.splice(0)) await docker("image", "rm", "--force", image);
}
