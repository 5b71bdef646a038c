/** The names by which extensions know the place they run in: on AWS they look one up to listen there for telemetry. */
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";

/** What of the machine is read and changed. */
export interface HostsSystem {
  /** A file's text; `undefined`: there is none of that name. */
  read(path: string): string | undefined;
  /** Adds to the end of an existing file, in one write. */
  append(path: string, text: string): void;
}

const hostsFile = "/etc/hosts";
const names = ["sandbox", "sandbox.localdomain"] as const;

/**
 * Adds the names that are missing. A container engine makes the file anew at each start; a read-only one is no error.
 */
export function addHostNames(system: HostsSystem): void {
  try {
    const text = system.read(hostsFile);
    if (text === undefined) return;
    const known = new Set(text.split("\n").flatMap(namesIn));
    const missing = names.filter((name) => !known.has(name));
    if (missing.length === 0) return;
    const lineEnd = text === "" || text.endsWith("\n") ? "" : "\n";
    system.append(hostsFile, `${lineEnd}127.0.0.1\t${missing.join(" ")}\n`);
  } catch (error) {
    log.info(`${hostsFile} does not know ${names.join(" and ")}, which extensions may look up: ${messageOf(error)}`);
  }
}

function namesIn(line: string): string[] {
  return line.replace(/#.*/, "").trim().split(/\s+/).slice(1);
}
