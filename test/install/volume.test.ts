import { expect, test } from "bun:test";
import { volumeAt } from "../../src/install/volume.ts";
import { ConfigurationError } from "../../src/settings/setting.ts";

test("is where LocalStack looks for a release of its init, on a machine of that architecture", () => {
  expect(volumeAt("/home/me/volume", "1.2.3", "arm64")).toEqual({
    directory: "/home/me/volume",
    label: "lambda-runtime-init-1.2.3",
    release: "/home/me/volume/lib/lambda-runtime/lambda-runtime-init-1.2.3",
    launcher: "/home/me/volume/lib/lambda-runtime/lambda-runtime-init-1.2.3/arm64/var/rapid/init",
    binaries: "/home/me/volume/lib/lambda-runtime/lambda-runtime-init-1.2.3/bin",
  });
  expect(volumeAt("/", "1", "x86_64").binaries).toBe("/lib/lambda-runtime/lambda-runtime-init-1/bin");
});

test.each(["/a", "/a.b/c-d/e_f", "/Über/数", "/tmp/2"])("%s can be mounted", (directory) => {
  expect(volumeAt(directory, "1", "x86_64").directory).toBe(directory);
});

// What is behind the first one is one letter with its accent apart, which Python's \w does not know.
test.each([
  ["/a b", " "],
  ["/a:b", ":"],
  ["/a'b", "'"],
  ['/a"b', '"'],
  ["/$HOME", "$"],
  ["/a\nb", "\n"],
  ["/a@b", "@"],
  ["/a,b", ","],
  ["/e\u0301", "\u0301"],
  ["/a\\b", "\\"],
  ["/😀", "😀"],
])("%p cannot, and the error names the character", (directory, character) => {
  const attempt = () => volumeAt(directory, "1", "x86_64");
  expect(attempt).toThrow(ConfigurationError);
  expect(attempt).toThrow(`${JSON.stringify(character)} in its path does not get through LAMBDA_DOCKER_FLAGS`);
});
