import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readEnvFiles } from "../../src/settings/env-file.ts";
import { ConfigurationError } from "../../src/settings/setting.ts";

function file(text: string): string {
  const path = `${mkdtempSync(`${tmpdir()}/init-env-file-`)}/.env`;
  writeFileSync(path, text);
  return path;
}

test("comments, quotes, export, several lines, empty values", () => {
  const path = file(`# of the function\nA=1\nexport B="x\\ny" # so\nC='q # r'\nD = two words \nE=\nF="a\nb"\n`);
  expect(readEnvFiles([path], {})).toEqual({ A: "1", B: "x\ny", C: "q # r", D: "two words", E: "", F: "a\nb" });
});

test("the environment wins over files, a later file over an earlier", () => {
  const files = [file("A=1\nB=1\nC=1"), file("B=2\nC=2\n")];
  expect(readEnvFiles(files, { C: "3", D: "3", UNSET: undefined })).toEqual({ A: "1", B: "2", C: "3", D: "3" });
});

test("without files it is the environment, whatever its names", () => {
  const env = Object.fromEntries([["__proto__", "x"]]);
  expect(Object.entries(readEnvFiles([], env))).toEqual([["__proto__", "x"]]);
});

test("a file that cannot be read is named", () => {
  expect(() => readEnvFiles(["/missing/.env"], {})).toThrow(ConfigurationError);
  expect(() => readEnvFiles(["/missing/.env"], {})).toThrow("--env-file /missing/.env cannot be read: ENOENT");
});
