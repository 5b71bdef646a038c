/** Starts the compiled binary with extensions in /opt/extensions, in a mount namespace of its own. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ExtensionPlan } from "../../fixtures/extension.ts";
import { fixture, type Init, patienceMs, type StartOptions, startInit } from "./init.ts";

/** One thing an extension saw. */
export interface Entry {
  readonly at: number;
  readonly what: string;
  readonly [field: string]: unknown;
}

/** A telemetry record as it was delivered. */
export interface DeliveredRecord {
  readonly time: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: its shape is what the tests are about
  readonly record: any;
}

export class ExtensionWorld {
  constructor(
    readonly init: Init,
    private readonly journals: string,
  ) {}

  /** What the extension saw so far. */
  journal(name: string): Entry[] {
    try {
      const text = readFileSync(`${this.journals}/${name}`, "utf8");
      return text
        .slice(0, text.lastIndexOf("\n") + 1)
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  }

  /** The telemetry the extension got so far, in the order it came. */
  records(name: string): DeliveredRecord[] {
    return this.journal(name).flatMap(({ what, records }) => (what === "batch" ? (records as DeliveredRecord[]) : []));
  }

  /** The first thing of this kind the extension saw, now or later. */
  async saw(name: string, what: string, fits: (entry: Entry) => boolean = () => true): Promise<Entry> {
    return await this.until(`${name} sees ${what}`, () =>
      this.journal(name).find((entry) => entry.what === what && fits(entry)),
    );
  }

  /** The first record of this type, now or later. */
  async record(name: string, type: string, fits: (record: DeliveredRecord) => boolean = () => true) {
    return await this.until(`${name} gets ${type}`, () =>
      this.records(name).find((record) => record.type === type && fits(record)),
    );
  }

  /** What `look` finds, now or later. */
  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms until ${what}; ${this.init.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** What lies in /opt: a plan for the fixture, or the text of a file with its mode. */
export type OptFiles = Readonly<Record<string, ExtensionPlan | { readonly text: string; readonly mode: number }>>;

export function startWithExtensions(
  command: readonly string[],
  extensions: OptFiles,
  options: StartOptions & { readonly optFiles?: readonly string[] } = {},
): ExtensionWorld {
  const opt = mkdtempSync(`${tmpdir()}/opt-`);
  const journals = mkdtempSync(`${tmpdir()}/journals-`);
  mkdirSync(`${opt}/extensions`);
  const plans: Record<string, ExtensionPlan> = {};
  for (const [name, extension] of Object.entries(extensions)) {
    const path = `${opt}/extensions/${name}`;
    if ("text" in extension && "mode" in extension) {
      writeFileSync(path, extension.text);
      chmodSync(path, extension.mode);
    } else {
      plans[name] = extension as ExtensionPlan;
      writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} ${fixture("extension.ts")} "$(basename "$0")"\n`);
      chmodSync(path, 0o755);
    }
  }
  for (const name of options.optFiles ?? []) writeFileSync(`${opt}/${name}`, "");
  const init = startInit(command, {
    ...options,
    // Without an extension there is no need of an /opt of its own, nor of the rights to have one.
    ...(Object.keys(extensions).length > 0 || options.optFiles
      ? { prefix: ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /opt && exec "$@"', opt] }
      : {}),
    env: { EXTENSION_PLANS: JSON.stringify(plans), EXTENSION_JOURNALS: journals, ...options.env },
  });
  return new ExtensionWorld(init, journals);
}
