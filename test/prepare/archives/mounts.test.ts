import { expect, test } from "bun:test";
import { holdsMount } from "../../../src/prepare/archives/mounts.ts";

const list = [
  "22 1 0:21 / / rw,relatime shared:1 - overlay overlay rw",
  "30 22 0:25 / /var/task/src rw - ext4 /dev/vda rw",
  "31 22 0:26 / /opt/two\\040words/deep rw - ext4 /dev/vda rw",
  "32 22 0:26 / /opt/gr\xc3\xbc\xc3\x9fe rw - ext4 /dev/vda rw",
  "",
].join("\n");

test.each([
  ["/var/task/src", true],
  ["/var/task", true],
  ["/var/task/src/inner", false],
  ["/var/task/sr", false],
  ["/opt/two words", true],
  ["/opt/grüße", true],
  ["/opt/lib", false],
])("in %s something is mounted: %p", (directory, holds) => {
  expect(holdsMount(directory, () => list)).toBe(holds);
});

test("the machine's own list can be read", () => {
  expect(holdsMount("/proc")).toBe(true);
  expect(holdsMount("/nowhere")).toBe(false);
});
