/** The SBOM is valid, names everything that is in the binaries as required, and nothing else so. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { partsOfBun } from "../.ci/release/bun.ts";
import { bundledFiles } from "../.ci/release/bundle.ts";
import { dependenciesOf, type LockFile, nameOf } from "../.ci/release/lock-file.ts";
import { bundledPackages } from "../.ci/release/packages.ts";
import { type Sbom, sbomText } from "../.ci/release/sbom.ts";

const repository = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
let sbom: Sbom;
let text: string;

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly scope?: string;
  readonly purl?: string;
  readonly components?: readonly Component[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

beforeAll(async () => {
  sbom = {
    name: "program",
    version: "1.2.3",
    licence: "Apache-2.0",
    description: "a program",
    lockFile: JSON.parse(readFileSync(`${repository}/package-lock.json`, "utf8")),
    bundled: (await bundledPackages(repository, await bundledFiles())).map(({ directory }) => directory),
    bun: await partsOfBun(repository),
    binaries: new Map([["program-x86_64", "ab".repeat(32)]]),
  };
  text = await sbomText(sbom);
});

const componentsOf = (json: string): Component[] => JSON.parse(json).components;

describe("validation against CycloneDX's schema", () => {
  const validate = (json: string) => new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(json);

  test("ours passes, in version 1.6", async () => {
    expect(JSON.parse(text).specVersion).toBe("1.6");
    expect(await validate(text)).toBeNull();
  });

  test.each([
    ['"scope": "required"', '"scope": "needed"'],
    ['"type": "platform"', '"type": "runtime"'],
    ['"bomFormat": "CycloneDX"', '"bomFormat": "Other"'],
  ])("a broken one does not: %s", async (right, wrong) => {
    expect(text).toContain(right);
    expect(await validate(text.replace(right, wrong))).not.toBeNull();
  });
});

test("all packages of the lock file are in it; required are those in the binary, and Bun", () => {
  const purls = (directories: readonly string[]) =>
    directories.map((directory) => {
      const { version } = sbom.lockFile.packages[directory] as { version: string };
      return `pkg:npm/${nameOf(directory).replace("@", "%40")}@${version}`;
    });
  const components = componentsOf(text);
  const all = Object.keys(sbom.lockFile.packages).filter((directory) => directory !== "");
  expect(components.map(({ purl }) => purl).sort()).toEqual(purls(all).sort());
  const required = components.filter(({ scope }) => scope === "required").map(({ purl }) => purl);
  expect(required.sort()).toEqual(purls([...sbom.bundled, "node_modules/bun"]).sort());
  expect(components.filter(({ scope }) => scope !== "required").every(({ scope }) => scope === "excluded")).toBe(true);
});

test("Bun is in it with its parts, by the versions that Bun tells", () => {
  const parts = componentsOf(text).find(({ name }) => name === "bun")?.components ?? [];
  const { libraries, polyfills, crates } = sbom.bun;
  expect(parts.map(({ name }) => name).sort()).toEqual(
    [...libraries, ...polyfills, ...crates].map(({ name }) => name).sort(),
  );
  const versionOf = (start: string) => parts.find(({ name }) => name.startsWith(start))?.version;
  expect(versionOf("WebKit")).toBe(process.versions.webkit as string);
  expect(versionOf("sqlite")).toBe(process.versions.sqlite as string);
  expect(versionOf("c-ares")).toBe(process.versions.ares as string);
});

test("it says which binaries it is of, and what each package's file was", () => {
  expect(JSON.parse(text).metadata.component).toMatchObject({
    name: "program",
    version: "1.2.3",
    components: [{ name: "program-x86_64", hashes: [{ alg: "SHA-256", content: "ab".repeat(32) }] }],
  });
  const hono = componentsOf(text).find(({ name }) => name === "hono");
  const integrity = sbom.lockFile.packages["node_modules/hono"]?.integrity?.replace("sha512-", "") ?? "";
  expect(hono?.hashes).toEqual([{ alg: "SHA-512", content: Buffer.from(integrity, "base64").toString("hex") }]);
});

test("what depends on what", () => {
  const dependencies: { ref: string; dependsOn?: string[] }[] = JSON.parse(text).dependencies;
  const of = (ref: string) => dependencies.find((one) => one.ref === ref)?.dependsOn;
  expect(of("node_modules/yauzl")).toEqual(["node_modules/pend"]);
  expect(of("program")).toContain("node_modules/hono");
  expect(of("node_modules/bun")).toEqual(expect.arrayContaining(["bun/library/sqlite", "bun/crate/cssparser"]));
});

test("the same materials give the same bytes, others another serial number", async () => {
  expect(await sbomText(sbom)).toBe(text);
  const other = await sbomText({ ...sbom, binaries: new Map([["program-x86_64", "cd".repeat(32)]]) });
  expect(JSON.parse(other).serialNumber).not.toBe(JSON.parse(text).serialNumber);
});

test("a bundled package that the lock file does not know is refused", async () => {
  const unknown = { ...sbom, bundled: [...sbom.bundled, "node_modules/unknown"] };
  expect(sbomText(unknown)).rejects.toThrow("package-lock.json does not know node_modules/unknown: run npm install");
});

test("dependencies are the nearest of their name", () => {
  const version = "1.0.0";
  const lockFile: LockFile = {
    packages: {
      "": { version, devDependencies: { a: "1" } },
      "node_modules/a": { version, dependencies: { b: "1", "@s/c": "1" }, optionalDependencies: { missing: "1" } },
      "node_modules/a/node_modules/b": { version, dependencies: { "@s/c": "1", a: "1" }, peerDependencies: { b: "1" } },
      "node_modules/b": { version },
      "node_modules/@s/c": { version, dependencies: { b: "1" } },
    },
  };
  expect(dependenciesOf(lockFile, "")).toEqual(["node_modules/a"]);
  expect(dependenciesOf(lockFile, "node_modules/a")).toEqual(["node_modules/a/node_modules/b", "node_modules/@s/c"]);
  expect(dependenciesOf(lockFile, "node_modules/a/node_modules/b")).toEqual([
    "node_modules/@s/c",
    "node_modules/a",
    "node_modules/a/node_modules/b",
  ]);
  expect(dependenciesOf(lockFile, "node_modules/@s/c")).toEqual(["node_modules/b"]);
  expect(nameOf("node_modules/a/node_modules/@s/c")).toBe("@s/c");
});
