import { expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { layDown } from "../../src/install/lay-down.ts";
import { type Volume, volumeAt } from "../../src/install/volume.ts";

interface Place {
  readonly volume: Volume;
  /** Where the binary is that runs. */
  readonly from: string;
}

function newPlace(binaries: Record<string, string> = { "aws-lambda-rie-x86_64": "glibc" }): Place {
  const directory = mkdtempSync(`${tmpdir()}/lay-down-`);
  const from = `${directory}/release`;
  mkdirSync(from);
  for (const [name, content] of Object.entries(binaries)) writeFileSync(`${from}/${name}`, content, { mode: 0o600 });
  return { volume: volumeAt(`${directory}/volume`, "1.2.3", "x86_64"), from };
}

/** Every file below the volume, and what it holds; the launcher's bytes left out. */
function filesIn({ volume }: Place): Record<string, string> {
  const entries = readdirSync(volume.release, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
  return Object.fromEntries(
    paths.map((path) => [
      path.slice(volume.release.length + 1),
      path === volume.launcher ? "launcher" : readFileSync(path, "utf8"),
    ]),
  );
}

test("lays down the launcher and the binary, executable for all; a second time changes nothing", () => {
  const place = newPlace();
  const { volume, from } = place;
  const binary = `${volume.binaries}/aws-lambda-rie-x86_64`;
  for (let round = 1; round <= 2; round++) {
    expect(layDown(volume, "x86_64", `${from}/aws-lambda-rie-x86_64`)).toEqual([binary, volume.launcher]);
    expect(filesIn(place)).toEqual({ "bin/aws-lambda-rie-x86_64": "glibc", "x86_64/var/rapid/init": "launcher" });
    for (const path of [binary, volume.launcher]) expect(statSync(path).mode & 0o777).toBe(0o755);
  }
});

test("a binary that was renamed gets its name back", () => {
  const place = newPlace({ init: "glibc" });
  layDown(place.volume, "x86_64", `${place.from}/init`);
  expect(filesIn(place)).toMatchObject({ "bin/aws-lambda-rie-x86_64": "glibc" });
  const musl = newPlace({ init: "\x7fELF … /lib/ld-musl-x86_64.so.1" });
  layDown(musl.volume, "x86_64", `${musl.from}/init`);
  expect(Object.keys(filesIn(musl))).toContain("bin/aws-lambda-rie-x86_64-musl");
});

test("the other binaries of the release come along, and nothing else does", () => {
  const all = ["x86_64", "x86_64-musl", "arm64", "arm64-musl"].map((suffix) => `aws-lambda-rie-${suffix}`);
  const place = newPlace({ ...Object.fromEntries(all.map((name) => [name, name])), "aws-lambda-rie-riscv": "", a: "" });
  layDown(place.volume, "x86_64", `${place.from}/aws-lambda-rie-x86_64`);
  expect(readdirSync(place.volume.binaries).sort()).toEqual(all.toSorted());
});

test("the launcher tries the binaries for its own machine first, those for musl before those for glibc", () => {
  const { volume, from } = newPlace();
  layDown(volume, "arm64", `${from}/aws-lambda-rie-x86_64`);
  const text = readFileSync(volume.launcher, "latin1");
  const tried = [...text.matchAll(/\/var\/lambda-runtime-init\/(\S+?)\0/g)].map(([, name]) => name as string);
  const suffixes = tried.map((name) => name.replace("aws-lambda-rie-", ""));
  expect(suffixes).toEqual(["arm64-musl", "arm64", "x86_64-musl", "x86_64"]);
});

test("who has a file open keeps what it was, and nobody meets half of the next one", () => {
  const { volume, from } = newPlace();
  const source = `${from}/aws-lambda-rie-x86_64`;
  const [path] = layDown(volume, "x86_64", source) as [string];
  const before = openSync(path, "r");
  writeFileSync(source, "newer");
  layDown(volume, "x86_64", source);
  const seen = Buffer.alloc(10);
  expect(seen.toString("utf8", 0, readSync(before, seen, 0, 10, 0))).toBe("glibc");
  closeSync(before);
  expect(readFileSync(path, "utf8")).toBe("newer");
});

test("what stands there already is replaced, also a link, and what it points to stays", () => {
  const { volume, from } = newPlace({ "aws-lambda-rie-x86_64": "ours", other: "another init" });
  mkdirSync(`${volume.release}/x86_64/var/rapid`, { recursive: true });
  symlinkSync(`${from}/other`, volume.launcher);
  layDown(volume, "x86_64", `${from}/aws-lambda-rie-x86_64`);
  expect(readFileSync(`${from}/other`, "utf8")).toBe("another init");
  expect(readFileSync(volume.launcher, "latin1")).toStartWith("\x7fELF");
});

test.each([
  ["a file in the place of a directory", (v: Volume) => writeFileSync(`${v.directory}/lib`, ""), "move"],
  ["a directory in the place of init", (v: Volume) => mkdirSync(`${v.launcher}/x`, { recursive: true }), "move"],
  ["links in a circle", (v: Volume) => symlinkSync("lib", `${v.directory}/lib`), "name another directory"],
])("%s: the error names the file and what to do, and nothing half-written stays", (_, spoil, whatToDo) => {
  const place = newPlace();
  mkdirSync(place.volume.directory);
  spoil(place.volume);
  const attempt = () => layDown(place.volume, "x86_64", `${place.from}/aws-lambda-rie-x86_64`);
  expect(attempt).toThrow(`${place.volume.release}/`);
  expect(attempt).toThrow("cannot be written");
  expect(attempt).toThrow(whatToDo);
  expect(Bun.spawnSync(["find", place.volume.directory, "-name", ".*"]).stdout.toString()).toBe("");
});

test("where a binary cannot be written there is no launcher that would look for it", () => {
  const { volume, from } = newPlace();
  mkdirSync(`${volume.binaries}/aws-lambda-rie-x86_64/x`, { recursive: true });
  expect(() => layDown(volume, "x86_64", `${from}/aws-lambda-rie-x86_64`)).toThrow("bin/aws-lambda-rie-x86_64 cannot");
  expect(statSync(volume.launcher, { throwIfNoEntry: false })).toBeUndefined();
});
