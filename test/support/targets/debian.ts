/** Debian's packages for any processor, unpacked without being installed: nothing of the machine changes. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { output } from "./output.ts";

/** Debian 13: its musl (1.2.5) is the one of today's Alpine. Those before 1.2.4 cannot load what Alpine builds today. */
const release = "trixie";
const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * @param architecture as Debian calls it
 * @param into a directory, which is made
 * @throws where this machine cannot fetch from Debian
 */
export async function unpackDebian(name: string, architecture: string, into: string): Promise<void> {
  const directory = await mkdtemp(`${tmpdir()}/init-debian-`);
  const apt = (...words: string[]) =>
    output(["apt-get", "-qq", ...settings(directory, architecture), ...words], directory);
  try {
    await mkdir(`${directory}/lists/partial`, { recursive: true });
    await mkdir(`${directory}/cache/archives/partial`, { recursive: true });
    await writeFile(`${directory}/sources.list`, `deb [signed-by=${keys}] ${await site()} ${release} main\n`);
    await apt("update");
    await apt("download", name);
    await mkdir(into, { recursive: true });
    await output(["sh", "-c", 'dpkg-deb -x *.deb "$0"', into], directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The one that this machine's own packages come from. */
async function site(): Promise<string> {
  const from = ["Created-By: Packages", "Origin: Debian", "Label: Debian"];
  const [first] = (await output(["apt-get", "indextargets", "--format", "$(SITE)", ...from])).split("\n");
  if (!first)
    throw new Error("the packages of this machine do not come from Debian, or `apt-get update` was never run");
  return first;
}

function settings(directory: string, architecture: string): string[] {
  const options = {
    "Dir::State::Lists": `${directory}/lists`,
    "Dir::Cache": `${directory}/cache`,
    "Dir::Etc::SourceList": `${directory}/sources.list`,
    "Dir::Etc::SourceParts": `${directory}/none`,
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
    // Only the list of packages itself.
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
  };
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}
