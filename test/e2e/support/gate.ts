/** A door that a runtime waits at until the test opens it: `read line < "$GATE"` in a shell. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { within } from "./init.ts";

export class Gate {
  readonly path = `${mkdtempSync(`${tmpdir()}/init-e2e-`)}/gate`;

  constructor() {
    Bun.spawnSync(["mkfifo", this.path]);
  }

  /** Resolves when the runtime has passed; waits for one that has not come to the door yet. */
  async open(): Promise<void> {
    const writer = Bun.spawn(["sh", "-c", 'echo go > "$0"', this.path]);
    try {
      await within(writer.exited, "a runtime at the gate");
    } finally {
      writer.kill();
    }
  }
}
