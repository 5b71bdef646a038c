/** `--install-localstack`: LocalStack with the settings that it prints, and containers of other kinds. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { run } from "./setup/command.ts";
import { imageOf } from "./setup/images.ts";
import { binary, repository, runDirectory } from "./setup/places.ts";
import { docker, dockerEnvironment } from "./support/docker.ts";
import { createFunction, invoke, isInside } from "./support/functions.ts";
import { hashOf, type StartedLocalStack, startLocalStack } from "./support/localstack.ts";

const root = `${runDirectory}/installed`;

/** Installs, and returns what is to be set for LocalStack without a container, as these tests have it. */
async function install(): Promise<Record<string, string>> {
  const volume = `${root}/var/lib/localstack`;
  const { code, stdout, output } = await run([binary, "--install-localstack", volume], { seconds: 20 });
  if (code !== 0) throw new Error(output);
  const section = stdout.slice(stdout.indexOf("LocalStack without a container:"));
  const settings = [...section.matchAll(/export (\w+)=(.*)/g)];
  return Object.fromEntries(settings.map(([, name, value]) => [name, (value as string).replaceAll("'", "")]));
}

describe.skipIf(!isInside)("installed for LocalStack", () => {
  let settings: Record<string, string>;

  beforeAll(async () => {
    settings = await install();
  });

  /** The directory that is mounted, and what LocalStack copies. */
  const mount = () => (settings.LAMBDA_DOCKER_FLAGS as string).replace("-v ", "");
  const launcher = () =>
    mount().replace(/\/bin:.*/, `/${process.arch === "arm64" ? "arm64" : "x86_64"}/var/rapid/init`);

  describe("in LocalStack", () => {
    let localstack: StartedLocalStack;

    beforeAll(async () => {
      localstack = await startLocalStack({ port: 4577, settings });
    });

    afterAll(() => localstack?.stop());

    test("a function runs below the mounted binary, by its hash, and its container got no copy of it", async () => {
      expect(await localstack.initHash()).toBe(await hashOf(launcher()));
      const env = { PWD: "/not/there", OPTIND: "9" };
      const name = await createFunction(localstack.aws, {
        code: "def handler(event, context):\n  return event\n",
        env,
      });
      expect(await invoke(localstack.aws, name, [1])).toMatchObject({ error: undefined, payload: "[1]" });
      const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
      const inside = (script: string) => docker("exec", container, "sh", "-c", script);
      // Only from outside: in the container nobody may look at a process that has changed its user.
      const pid = await docker("inspect", "--format", "{{.State.Pid}}", container);
      expect(await hashOf(`/proc/${pid}/exe`)).toBe(await hashOf(binary));
      const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      for (const [name, value] of Object.entries(env)) expect(variables).toContain(`${name}=${value}`);
      expect(await inside("tr '\\0' ' ' < /proc/1/cmdline")).toBe("/var/rapid/init");
      expect(Number(await inside("stat --format %s /var/rapid/init"))).toBeLessThan(1000);
      await localstack.aws.call("lambda", "delete_function", { FunctionName: name });
    });
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
