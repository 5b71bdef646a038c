import { expect, test } from "bun:test";
import { instructionsFor } from "../../src/install/instructions.ts";
import { volumeAt } from "../../src/install/volume.ts";

const textFor = (directory: string, isInContainer = false) =>
  instructionsFor(volumeAt(directory, "1.2.3", "x86_64"), { files: ["/written/a", "/written/b"], isInContainer });

/** LocalStack's own pattern for a mount in LAMBDA_DOCKER_FLAGS, of 4.14.0. */
const localstackPattern = /^([\w\s\\/:\-.]+?):([\w\s/\-.]+)(?::(ro|rw|z|Z))?/;

test("every form has the label, and the same mount, which LocalStack can read", () => {
  const text = textFor("/srv/var/lib/localstack");
  expect(text.match(/lambda-runtime-init-1\.2\.3"?( \\)?$/gm)).toHaveLength(4);
  const mounts = [...text.matchAll(/LAMBDA_DOCKER_FLAGS(?:=|: )(['"])-v (.*)\1/g)].map(
    ([, , mount]) => mount as string,
  );
  expect(mounts).toHaveLength(4);
  expect(new Set(mounts).size).toBe(1);
  const [, host, container] = localstackPattern.exec(mounts[0] as string) ?? [];
  expect([host, container]).toEqual([
    "/srv/var/lib/localstack/lib/lambda-runtime/lambda-runtime-init-1.2.3/bin",
    "/var/lambda-runtime-init",
  ]);
  expect(text).toContain("/written/a\n    /written/b\n");
});

test("LocalStack without a container has its volume below a root, where there is one", () => {
  expect(textFor("/srv/var/lib/localstack")).toContain("export FILESYSTEM_ROOT=/srv\n");
  expect(textFor("/var/lib/localstack")).toContain("export FILESYSTEM_ROOT=/\n");
  const other = textFor("/home/me/volume");
  expect(other).not.toContain("export FILESYSTEM_ROOT");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  expect(other).toContain("${FILESYSTEM_ROOT}/var/lib/localstack: install into that");
});

test("in a container it says that the host's path may be another one", () => {
  const hint = "put the host's path in the place of /v";
  expect(textFor("/v")).not.toContain(hint);
  expect(textFor("/v", true)).toContain(hint);
});
