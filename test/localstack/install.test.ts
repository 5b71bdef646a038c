/** `--install-localstack`: LocalStack with the settings that it prints, and containers of other kinds. */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { run } from "./setup/command.ts";
import { imageOf } from "./setup/images.ts";
import { binary, repository, runDirectory } from "./setup/places.ts";
import type { Aws } from "./support/aws.ts";
import { docker, dockerEnvironment } from "./support/docker.ts";
import { createFunction, invoke, isInside } from "./support/functions.ts";
import { hashOf, startLocalStack } from "./support/localstack.ts";
import { runLocalStack } from "./support/localstack-container.ts";

/** Installs. @returns what is printed under the title of a form, as the shell takes it apart */
async function install(volume: string, title: string): Promise<string[]> {
  const installed = await run([binary, "--install-localstack", volume], { seconds: 20 });
  if (installed.code !== 0) throw new Error(installed.output);
  const block = installed.stdout.split(`\n${title}:\n`)[1]?.split(/\n(?=\S)/)[0] ?? "";
  const words = await run(["sh", "-c", `printf '%s\\n' ${block.replace(/\\?\n/g, " ")}`], { seconds: 5 });
  return words.stdout.trim().split("\n");
}

/** Invokes a function, and looks at what its container has. */
async function expectMounted(aws: Aws): Promise<void> {
  const env = { PWD: "/not/there", OPTIND: "9" };
  const name = await createFunction(aws, { code: "def handler(event, context):\n  return event\n", env });
  expect(await invoke(aws, name, [1])).toMatchObject({ error: undefined, payload: "[1]" });
  const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
  // Only from outside: in the container nobody may look at a process that has changed its user.
  const pid = await docker("inspect", "--format", "{{.State.Pid}}", container);
  expect(await hashOf(`/proc/${pid}/exe`)).toBe(await hashOf(binary));
  expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("/var/rapid/init\0");
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  for (const [name, value] of Object.entries(env)) expect(variables).toContain(`${name}=${value}`);
  expect(Number(await docker("exec", container, "stat", "--format", "%s", "/var/rapid/init"))).toBeLessThan(1000);
  await aws.call("lambda", "delete_function", { FunctionName: name });
}

describe.skipIf(!isInside)("installed for LocalStack", () => {
  let settings: Record<string, string>;

  beforeAll(async () => {
    const exports = await install(`${runDirectory}/host/var/lib/localstack`, "LocalStack without a container");
    const pairs = exports.filter((word) => word !== "export").map((word) => word.split("=") as [string, string]);
    settings = Object.fromEntries(pairs);
  });

  /** The directory that is mounted, and what LocalStack copies. */
  const mount = () => (settings.LAMBDA_DOCKER_FLAGS as string).replace("-v ", "");
  const launcher = () =>
    mount().replace(/\/bin:.*/, `/${process.arch === "arm64" ? "arm64" : "x86_64"}/var/rapid/init`);

  test("LocalStack without a container: a function runs below the mounted binary, and got no copy of it", async () => {
    const localstack = await startLocalStack({ port: 4577, settings });
    try {
      expect(await localstack.initHash()).toBe(await hashOf(launcher()));
      await expectMounted(localstack.aws);
    } finally {
      await localstack.stop();
    }
  });

  test("LocalStack in a container, by `docker run`: the same", async () => {
    const flags = await install(`${runDirectory}/volume`, "docker run");
    const localstack = await runLocalStack(flags);
    try {
      await expectMounted(localstack.aws);
    } finally {
      await localstack.stop();
    }
  });

  /** Runs the launcher in place of init. */
  function runLauncher(image: string, flags: readonly string[], ...args: readonly string[]) {
    const init = ["--volume", `${launcher()}:/var/rapid/init:ro`, "--entrypoint", "/var/rapid/init"];
    const command = ["docker", "run", "--rm", ...init, ...flags, image, ...args];
    return run(command, { seconds: 30, env: dockerEnvironment });
  }

  test("the mount is missing: the container's log says what to do", async () => {
    const { code, output } = await runLauncher(imageOf("provided.al2023"), []);
    expect(code).toBe(127);
    expect(output).toMatch(
      /^lambda-runtime-init: nothing in \/var\/lambda-runtime-init runs in this .*LAMBDA_DOCKER_FLAGS.*\n$/,
    );
  });

  test("an image without a shell, with nothing but libc and its loader", async () => {
    const context = `${runDirectory}/context-bare`;
    mkdirSync(context);
    const lines = [
      `FROM ${imageOf("base")} AS files`,
      "RUN mkdir -p /files/lib64 /files/usr/lib && ln -s usr/lib /files/lib",
      "RUN cd /usr/lib && for name in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0; do " +
        "cp --parents --dereference *-linux-gnu/$name /files/usr/lib/; done",
      "RUN for place in lib64 lib; do cp --dereference /usr/lib/*-linux-gnu/ld-linux-*.so.* /files/$place/; done",
      "FROM scratch",
      "COPY --from=files /files /",
    ];
    writeFileSync(`${context}/Dockerfile`, `${lines.join("\n")}\n`);
    const image = "lambda-init-tests/bare";
    await docker("build", "--quiet", "--tag", image, context);
    const { code, output } = await runLauncher(image, ["--volume", mount()], "--version");
    await docker("image", "rm", image);
    const { version } = JSON.parse(readFileSync(`${repository}/package.json`, "utf8"));
    expect([code, output]).toEqual([0, `${version}\n`]);
  });
});
