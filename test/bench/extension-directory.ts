/** An /opt with one extension in it, which an init finds there in a mount namespace of its own. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `idle`: asks for each invocation and does nothing; `telemetry`: also takes all telemetry, and throws it away. */
export type ExtensionKind = "idle" | "telemetry";

/** Mounting needs root. */
export const canHaveExtensions = process.getuid?.() === 0;

export class ExtensionDirectory {
  readonly #path = mkdtempSync(join(tmpdir(), "bench-opt-"));

  constructor(kind: ExtensionKind) {
    mkdirSync(`${this.#path}/extensions`);
    const program = `${this.#path}/extensions/bench`;
    const source = join(import.meta.dir, "extension.ts");
    writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${source} ${kind} ${this.#marker}\n`);
    chmodSync(program, 0o755);
  }

  /** Words before the binary. */
  get prefix(): string[] {
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /opt && exec "$@"', this.#path];
  }

  get isServed(): boolean {
    return existsSync(this.#marker);
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }

  get #marker(): string {
    return `${this.#path}/served`;
  }
}
