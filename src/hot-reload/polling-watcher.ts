/** Notices changes by looking again and again: for file systems that tell nobody of what happens in them. */
import type { Clock } from "../clock.ts";
import { areSame, type TreeSnapshot, takeSnapshot } from "./tree-snapshot.ts";

/** Milliseconds between two looks; looking may take at most a fifth of the time, however big the tree is. */
const lookEveryMs = 200;
const restPerLook = 4;

export class PollingWatcher {
  #last: TreeSnapshot | undefined;
  #callOff: (() => void) | undefined;
  #isStopped = false;

  constructor(
    private readonly root: string,
    private readonly clock: Clock,
    private readonly onChange: () => void,
    private readonly look: typeof takeSnapshot = takeSnapshot,
  ) {}

  /** Takes the first look, which changes are told from. A root that does not exist yet is one when it appears. */
  async start(): Promise<void> {
    this.#last = await this.look(this.root);
    this.#schedule(lookEveryMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOff?.();
  }

  #schedule(ms: number): void {
    if (!this.#isStopped) this.#callOff = this.clock.after(ms, () => void this.#again());
  }

  async #again(): Promise<void> {
    const startedAt = this.clock.now();
    const now = await this.look(this.root);
    if (this.#isStopped) return;
    const hasChanged = !areSame(this.#last as TreeSnapshot, now);
    this.#last = now;
    if (hasChanged) this.onChange();
    this.#schedule(Math.max(lookEveryMs, (this.clock.now() - startedAt) * restPerLook));
  }
}
