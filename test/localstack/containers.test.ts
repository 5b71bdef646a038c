/** Containers of many kinds, and how init runs, ends, and leaves alone what is not the function's. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { within } from "../e2e/support/init.ts";
import { isInside, until } from "./support/functions.ts";
import {
  type InitContainer,
  makeImage,
  removeContainers,
  removeImages,
  startContainer,
} from "./support/init-container.ts";

/** uid, gid and groups of the user init becomes. */
const sandboxUser = [993, 990, [990]];

/** What runs in the container, PID first. */
const processes = (container: InitContainer) => container.exec("ps axo pid,args --no-headers");

/** An invocation, a crash, and an invocation in the processes that follow. @returns who the function ran as */
async function livesThroughACrash(container: InitContainer): Promise<unknown> {
  const first = await container.invoke();
  const crash = await container.invoke({ exit: 3 });
  expect(crash).toMatchObject({ kind: "error", body: expect.stringContaining("exit status 3") });
  const second = await container.invoke();
  expect([first.kind, second]).toEqual(["response", { ...second, kind: "response", body: first.body }]);
  return JSON.parse(first.body);
}

describe.skipIf(!isInside)("in containers", () => {
  let image: string;

  beforeAll(async () => {
    image = await makeImage("containers");
  });

  afterEach(removeContainers);
  afterAll(removeImages);

  test("`docker stop` while idle ends it with 0, and nothing more is told", async () => {
    const container = await startContainer(image);
    expect((await container.invoke()).kind).toBe("response");
    const told = container.double.callbacks.length;
    expect(await container.stop()).toBe(0);
    expect(container.double.callbacks.length).toBe(told);
  });

  test("`docker stop` while busy ends it with 0, and the caller gets the log and an error that says so", async () => {
    const container = await startContainer(image);
    const id = await container.send({ sleep: 60 });
    await until("the function sleeps", async () => (await container.logs()).includes("sleeping"));
    expect(await container.stop()).toBe(0);
    const { kind, body, logs } = await container.double.waitForResult(id);
    const { errorType, errorMessage } = JSON.parse(body);
    expect([kind, errorType]).toEqual(["error", "Sandbox.Failure"]);
    expect(errorMessage).toContain("was stopped before the invocation had ended");
    expect(logs).toMatch(/^START .*\nsleeping\nEND .*\nREPORT .*\n$/);
  });

  test("started by `docker exec` it ends with all that is its own, and with nothing else", async () => {
    const container = await startContainer(image, { command: ["sh", "-c", "sleep 1001 & exec sleep 1002"] });
    const init = container.execInit();
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    expect(await processes(container)).toContain("awslambdaric");
    await container.exec("kill -TERM $(pgrep --full ^/var/rapid/init)");
    expect(await within(init.exited, "the end of init")).toBe(0);
    const left = await processes(container);
    expect(left).not.toMatch(/awslambdaric|rapid/);
    expect(left).toMatch(/^ *1 sleep 1002$/m);
    expect(left).toMatch(/ sleep 1001$/m);
  });

  test("a sidecar of the entrypoint outlives a crash and a reset of the function", async () => {
    const container = await startContainer(image, { command: ["sh", "-c", "sleep 1001 & exec /var/rapid/init"] });
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    const left = await processes(container);
    expect(left).toMatch(/^ *1 \/var\/rapid\/init$/m);
    expect(left).toMatch(/ sleep 1001$/m);
    expect(await container.stop()).toBe(0);
  });

  test("a root that is read-only: the function runs, and each thing that could not be done is a warning", async () => {
    const container = await startContainer(image, { flags: ["--read-only"] });
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    expect(await container.invoke({ write: "/tmp/file" })).toMatchObject({ kind: "error" });
    expect(await container.stop()).toBe(0);
    const lines = (await container.logs()).split("\n").filter((line) => line.includes(" WARN "));
    for (const path of ["'/etc/passwd'", "'/etc/shadow'", "chown '/tmp'", "chmod '/tmp'"])
      expect(lines.filter((line) => line.includes(`EROFS: read-only file system`) && line.includes(path))).toHaveLength(
        1,
      );
  });

  test("a root that is read-only, but for /tmp: the function can write there", async () => {
    const container = await startContainer(image, { flags: ["--read-only", "--tmpfs", "/tmp"] });
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    expect(await container.invoke({ write: "/tmp/file" })).toMatchObject({ kind: "response" });
    expect(await container.exec("stat --format '%U %a' /tmp")).toMatch(/^(UNKNOWN|sbx_user1051) 700$/);
    expect(await container.stop()).toBe(0);
  });

  test("started as another user it stays that user", async () => {
    const container = await startContainer(image, { flags: ["--user", "1000:1000"] });
    expect(await livesThroughACrash(container)).toEqual([1000, 1000, [1000]]);
    expect(await container.stop()).toBe(0);
  });

  test("an /etc/passwd without a newline at its end gets one, and the user in a line of its own", async () => {
    const made = await makeImage(
      "no-newline",
      "RUN printf 'root:x:0:0:root:/root:/bin/bash\\nlast:x:5:5::/:/bin/sh' > /etc/passwd",
    );
    const container = await startContainer(made);
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    expect(await container.exec("tail --lines=2 /etc/passwd")).toMatch(
      /^last:x:5:5::\/:\/bin\/sh\nsbx_user1051:x:993:990:/,
    );
  });

  test("64 MB of memory are enough, and a function that takes more pays for it alone", async () => {
    const container = await startContainer(image, { flags: ["--memory", "64m", "--memory-swap", "64m"] });
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    const tooMuch = await container.invoke({ fill: 200_000_000 });
    expect(tooMuch).toMatchObject({ kind: "error", body: expect.stringContaining("signal: killed") });
    expect(await container.invoke()).toMatchObject({ kind: "response" });
    expect(await container.stop()).toBe(0);
  });

  test.each([
    ["32 processes at most", ["--pids-limit", "32"]],
    ["no new privileges", ["--security-opt", "no-new-privileges"]],
    ["a tenth of a processor", ["--cpus", "0.1"]],
    ["an init of Docker's above it", ["--init"]],
  ])("%s", async (_, flags) => {
    const container = await startContainer(image, { flags });
    expect(await livesThroughACrash(container)).toEqual(sandboxUser);
    expect(await container.stop()).toBe(0);
    expect(await container.logs()).not.toContain("WARN");
  });

  test("without capabilities root cannot be given up: LocalStack is told so, and what would help does", async () => {
    const flags = ["--cap-drop", "ALL"];
    const refused = await startContainer(image, { flags });
    const { text } = await refused.double.waitForStatusError();
    expect(JSON.parse(text).errorType).toBe("Sandbox.Failure");
    expect(text).toContain(
      "SETUID and SETGID, or start it as that user (--user 993:990), or set LOCALSTACK_ALLOW_ROOT=1",
    );
    expect(await refused.stop()).toBe(1);
    const asUser = await startContainer(image, { flags: [...flags, "--user", "993:990"] });
    expect(await livesThroughACrash(asUser)).toEqual(sandboxUser);
    const asRoot = await startContainer(image, { flags, env: { LOCALSTACK_ALLOW_ROOT: "1" } });
    expect(await livesThroughACrash(asRoot)).toEqual([0, 0, expect.anything()]);
    const with2 = await startContainer(image, { flags: [...flags, "--cap-add", "SETUID", "--cap-add", "SETGID"] });
    expect(await livesThroughACrash(with2)).toEqual(sandboxUser);
  });
});
