import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { isBeyondQemu } from "../support/target.ts";
import { waitUntil } from "../support/within.ts";
import { symbolicLink, writeZip, type ZipEntry } from "../support/zip-writer.ts";
import { fixture, type Init, isRoot, startInit, stopAll } from "./support/init.ts";

let server: ReturnType<typeof Bun.serve> | undefined;

afterEach(async () => {
  await stopAll();
  await server?.stop(true);
});

function serve(files: Record<string, Uint8Array | Response>): string {
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const file = files[new URL(request.url).pathname];
      if (file instanceof Response) return file;
      return file ? new Response(file) : new Response("<html>not here</html>", { status: 404 });
    },
  });
  return `http://127.0.0.1:${server.port}`;
}

function start(archives: readonly { url: string; target_path: string }[], command: readonly string[]): Init {
  return startInit(command, { env: { LOCALSTACK_CODE_ARCHIVES: JSON.stringify(archives) } });
}

const newTarget = () => `${mkdtempSync(`${tmpdir()}/init-task-`)}/task`;

/** A function as it would be packed: a script that starts its handler, and the handler's parts. */
const app: ZipEntry[] = [
  { name: "bin/start", mode: 0o100755, content: `#!/bin/sh\ncd "$(dirname "$0")/.." && exec "$BUN" handler.ts\n` },
  { name: "handler.ts", mode: 0o100644, content: readFileSync(fixture("does-what-the-event-says.ts")) },
  { name: "runtime-client.ts", mode: 0o100644, content: readFileSync(fixture("runtime-client.ts")) },
  { name: "lib/empty/", mode: 0o040755 },
  symbolicLink("latest", "handler.ts"),
];

test("code is fetched, unpacked with its modes and links, and run; several archives go on top of each other", async () => {
  const root = serve({
    "/app.zip": writeZip(app),
    "/layer.zip": writeZip([{ name: "lib/extra", content: "layer" }], { zip64: true }),
    "/moved.zip": Response.redirect("/app.zip"),
  });
  const target = newTarget();
  mkdirSync(target);
  writeFileSync(`${target}/runtime-client.ts`, "longer than what comes in its place ".repeat(1000));
  const init = startInit([`${target}/bin/start`], {
    env: {
      BUN: process.execPath,
      LOCALSTACK_CODE_ARCHIVES: JSON.stringify([
        { url: `${root}/moved.zip`, target_path: target },
        { url: `${root}/layer.zip`, target_path: target },
      ]),
    },
  });
  expect((await init.invoke('{"respond":"unpacked"}')).body).toBe("unpacked");
  expect((statSync(`${target}/bin/start`).mode & 0o777).toString(8)).toBe("755");
  expect(readlinkSync(`${target}/latest`)).toBe("handler.ts");
  expect(readFileSync(`${target}/lib/extra`, "utf8")).toBe("layer");
  expect(readdirSync(`${target}/lib`).sort()).toEqual(["empty", "extra"]);
  expect(await Bun.file(`${target}/runtime-client.ts`).text()).toBe(
    await Bun.file(fixture("runtime-client.ts")).text(),
  );
});

test("links that lead out, layers that overlap, Windows' names and directories, a zip behind a script, times", async () => {
  const target = newTarget();
  const time = new Date("2020-02-02T02:02:02Z");
  const root = serve({
    "/app.zip": Buffer.concat([
      Buffer.from("#!/bin/sh\nexec unzip $0\n"),
      writeZip([
        ...app,
        { name: "www\\app.css", content: "x", mtime: time, isExact: true },
        { name: "sub", dosAttributes: 0x10 },
        symbolicLink("out", "/etc"),
        symbolicLink("lib/up", "../../.."),
        symbolicLink("python", "out"),
      ]),
    ]),
    "/layer.zip": writeZip([{ name: "python/b.txt", content: "layer" }]),
  });
  const archives = ["app", "layer"].map((name) => ({ url: `${root}/${name}.zip`, target_path: target }));
  const init = startInit([`${target}/bin/start`], {
    env: { BUN: process.execPath, LOCALSTACK_CODE_ARCHIVES: JSON.stringify(archives) },
  });
  expect((await init.invoke('{"respond":"ran"}')).body).toBe("ran");
  expect(readlinkSync(`${target}/out`)).toBe("/etc");
  expect(readlinkSync(`${target}/lib/up`)).toBe("../../..");
  expect(statSync(`${target}/www\\app.css`).mtime).toEqual(time);
  expect(statSync(`${target}/sub`).isDirectory()).toBe(true);
  expect(readdirSync(`${target}/python`)).toEqual(["b.txt"]);
  expect(existsSync("/etc/b.txt")).toBe(false);
});

test.skipIf(!isRoot)("the function's user can read what only the archive's owner could", async () => {
  const target = newTarget();
  chmodSync(dirname(target), 0o755);
  for (const name of ["passwd", "shadow", "hosts"]) writeFileSync(`${dirname(target)}/${name}`, "");
  const mounts = `for name in passwd shadow hosts; do mount --bind ${dirname(target)}/$name /etc/$name; done; exec "$@"`;
  const root = serve({
    "/app.zip": writeZip([
      { name: "start", mode: 0o100700, content: "#!/bin/sh\nid -u\ncat $(dirname $0)/lib/handler\nexit 42\n" },
      { name: "lib/", mode: 0o040700 },
      { name: "lib/handler", mode: 0o100600, content: "the handler\n" },
    ]),
  });
  const init = startInit([`${target}/start`], {
    cwd: "/",
    prefix: ["unshare", "--mount", "sh", "-c", mounts, "sh"],
    env: {
      LOCALSTACK_USER: "sbx_user1051",
      LOCALSTACK_CODE_ARCHIVES: JSON.stringify([{ url: `${root}/app.zip`, target_path: target }]),
    },
  });
  await init.exited();
  expect(init.stdout).toContain("993\nthe handler\n");
});

describe("an archive that cannot be used is one status error, exit status 1, and nothing is run:", () => {
  const good = { name: "good", content: "x" };
  const whole = writeZip([{ name: "file", content: "content ".repeat(1000) }]);
  const rows: [what: string, file: Uint8Array | Response | undefined, text: string][] = [
    ["a name that leaves the target", writeZip([good, { name: "../evil", content: "x" }]), '"../evil"'],
    ["an absolute name", writeZip([good, { name: "/evil", content: "x" }]), '"/evil"'],
    ["a link longer than Linux has them", writeZip([good, symbolicLink("lnk", "x/".repeat(4000))]), '"lnk"'],
    ["a bomb", writeZip([{ name: "bomb", content: "x", stated: { size: 11 * 2 ** 30 } }], { zip64: true }), '"bomb"'],
    ["a bomb that lies", writeZip([{ name: "bomb", content: "0".repeat(1e6), stated: { size: 10 } }]), '"bomb"'],
    ["a truncated file", whole.subarray(0, whole.length - 30), "zip"],
    ["a flipped byte", writeZip([{ name: "file", content: "x", stated: { crc32: 1 } }]), '"file"'],
    ["no zip", Buffer.from("<html></html>"), "zip"],
    ["nothing there", undefined, "404"],
  ];
  test.each(rows)("%s", async (_, file, text) => {
    const root = serve(file ? { "/app.zip": file } : {});
    const target = newTarget();
    const marker = `${target}-ran`;
    const init = start([{ url: `${root}/app.zip`, target_path: target }], ["sh", "-c", `touch ${marker}; exit 3`]);
    const { text: told } = await init.double.waitForStatusError();
    const { errorMessage, errorType } = JSON.parse(told);
    expect(errorType).toBe("Sandbox.Failure");
    expect(errorMessage).toContain(`${root}/app.zip`);
    expect(errorMessage).toContain(text);
    expect(await init.exited()).toBe(1);
    expect(init.stderr).toContain(`${root}/app.zip`);
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
    expect(existsSync(marker)).toBe(false);
    const outside = readdirSync(dirname(target)).filter((name) => name !== "task");
    expect(outside).toEqual([]);
    expect(existsSync("/evil")).toBe(false);
  });

  test.skipIf(!isRoot)("a file in place of a directory in which a person's own files are mounted", async () => {
    const own = mkdtempSync(`${tmpdir()}/init-own-`);
    writeFileSync(`${own}/precious`, "");
    const target = newTarget();
    mkdirSync(`${target}/lib/src`, { recursive: true });
    const root = serve({ "/app.zip": writeZip([{ name: "lib", content: "x" }]) });
    const init = startInit(["true"], {
      prefix: ["unshare", "--mount", "sh", "-c", `mount --bind ${own} ${target}/lib/src && exec "$@"`, "sh"],
      env: { LOCALSTACK_CODE_ARCHIVES: JSON.stringify([{ url: `${root}/app.zip`, target_path: target }]) },
    });
    expect((await init.double.waitForStatusError()).text).toContain(`${target}/lib, and cannot be replaced`);
    expect(await init.exited()).toBe(1);
    expect(readdirSync(own)).toEqual(["precious"]);
  });

  test("a server that is not there", async () => {
    const init = start([{ url: "http://127.0.0.1:1/app.zip", target_path: newTarget() }], ["true"]);
    expect((await init.double.waitForStatusError()).text).toContain("http://127.0.0.1:1/app.zip");
    expect(await init.exited()).toBe(1);
  });
});

test("SIGTERM ends a download", async () => {
  const root = serve({ "/app.zip": new Response(new ReadableStream({ pull: () => new Promise(() => {}) })) });
  const init = start([{ url: `${root}/app.zip`, target_path: newTarget() }], ["true"]);
  await waitUntil("the download has begun", () => server?.pendingRequests !== 0);
  expect(await init.stop()).toBe(0);
  expect(init.double.callbacks).toEqual([]);
});

test.skipIf(isBeyondQemu("memory"))("the memory stays flat for 250 MB of code", async () => {
  const content = Buffer.alloc(250_000_000, 7);
  const root = serve({ "/app.zip": writeZip([{ name: "big", content, stored: true }]) });
  const target = newTarget();
  const init = start([{ url: `${root}/app.zip`, target_path: target }], [process.execPath, fixture("echoes.ts")]);
  await init.double.waitForReady();
  expect(statSync(`${target}/big`).size).toBe(content.length);
  const peakKb = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${init.process.pid}/status`, "utf8"))?.[1]);
  expect(peakKb).toBeLessThan(150_000);
});
