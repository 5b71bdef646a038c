/** Whether something is mounted in a directory: what is in it then may be a person's own files, outside of the container. */
import fs from "node:fs";

/** https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
const mountinfo = "/proc/self/mountinfo";

/**
 * @param directory a real path
 * @param read gives the kernel's list of mounts
 * @throws {Error} the list cannot be read
 */
export function holdsMount(directory: string, read = () => fs.readFileSync(mountinfo, "latin1")): boolean {
  const wanted = Buffer.from(directory).toString("latin1");
  return read()
    .split("\n")
    .map((line) => fromOctal(line.split(" ")[4] ?? ""))
    .some((point) => point === wanted || point.startsWith(`${wanted}/`));
}

/** The list writes a blank, for instance, as `\040`. */
function fromOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}
