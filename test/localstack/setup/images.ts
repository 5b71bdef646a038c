/** Runtime images, under the names of LocalStack's runtimes: Debian, and the runtime clients AWS publishes. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { newNodeClient, whyMissing } from "../../e2e/support/clients.ts";
import { dockerEnvironment } from "../support/docker.ts";
import { need, run } from "./command.ts";
import { directory, rootfs, runtimePackages } from "./places.ts";

/** LocalStack puts a function's runtime in the place of `<runtime>`. */
export const imagePattern = "lambda-init-tests/<runtime>:latest";

export const imageOf = (runtime: string) => imagePattern.replace("<runtime>", runtime);

const base = imageOf("base");

/** As in AWS's images. */
const settings = [
  "ENV LANG=en_US.UTF-8",
  "ENV TZ=:/etc/localtime",
  "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
  "ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
  "ENV LAMBDA_TASK_ROOT=/var/task",
  "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
  "WORKDIR /var/task",
];

/** Makes the images that are not there in their present form. @throws CannotSetUp where dockerd cannot */
export async function makeImages(): Promise<void> {
  const key = Bun.hash(
    [
      ...readdirSync(new URL("../images/", import.meta.url)).map((name) => readImageFile(name)),
      ...[rootfs, runtimePackages].map((path) => readFileSync(`${path}.done`, "utf8")),
      readFileSync(import.meta.path, "utf8"),
      String(whyMissing(newNodeClient)),
    ].join("\n"),
  ).toString(36);
  const isMade = ["docker", "image", "inspect", `lambda-init-tests/made:${key}`];
  if ((await run(isMade, { seconds: 30, env: dockerEnvironment })).code === 0) return;
  console.log("making the runtime images");
  await importBase();
  await build("provided.al2023", () => []);
  await build("python3.13", (context) => {
    cpSync(runtimePackages, `${context}/runtime`, { recursive: true });
    mkdirSync(`${context}/lang/bin`, { recursive: true });
    symlinkSync("/usr/bin/python3.13", `${context}/lang/bin/python3.13`);
    writeBootstrap(context, "python-bootstrap");
    return ["COPY lang /var/lang", "COPY runtime /var/runtime"];
  });
  if (whyMissing(newNodeClient) === undefined) await build("nodejs22.x", addNode);
  await docker("tag", base, `lambda-init-tests/made:${key}`);
}

function addNode(context: string): string[] {
  const modules = `${newNodeClient.directory}/node_modules`;
  const node = `node-linux-${process.arch}`;
  cpSync(modules, `${context}/runtime/node_modules`, {
    recursive: true,
    filter: (path) => path !== `${modules}/${node}`,
  });
  mkdirSync(`${context}/lang/bin`, { recursive: true });
  cpSync(`${modules}/${node}/bin/node`, `${context}/lang/bin/node`);
  writeBootstrap(context, "node-bootstrap");
  return ["COPY lang /var/lang", "COPY runtime /var/runtime"];
}

const readImageFile = (name: string) => readFileSync(new URL(`../images/${name}`, import.meta.url), "utf8");

function writeBootstrap(context: string, name: string): void {
  writeFileSync(`${context}/runtime/bootstrap`, readImageFile(name), { mode: 0o755 });
}

async function importBase(): Promise<void> {
  const changes = settings.flatMap((setting) => ["--change", setting]);
  const load = 'tar --directory "$1" --create . | { shift; docker import "$@"; }';
  const command = ["sh", "-c", load, "sh", rootfs, ...changes, "-", base];
  await need("the base image", command, { seconds: 120, env: dockerEnvironment });
}

/** @param fill puts files into the build's context and returns the lines of the Dockerfile that take them */
async function build(runtime: string, fill: (context: string) => string[]): Promise<void> {
  const context = `${directory}/context`;
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  const lines = [`FROM ${base}`, "RUN mkdir -p /var/task /opt /var/runtime", ...fill(context)];
  writeFileSync(`${context}/Dockerfile`, `${lines.join("\n")}\n`);
  await docker("build", "--quiet", "--tag", imageOf(runtime), context);
  rmSync(context, { recursive: true });
}

const docker = (...args: string[]) =>
  need(`the image: docker ${args[0]}`, ["docker", ...args], { seconds: 180, env: dockerEnvironment });
