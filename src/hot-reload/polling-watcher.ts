/** Sees changes by looking: for file systems whose changes from outside make no events, as in Docker Desktop. */
import type { Clock } from "../clock.ts";
import { inSlices } from "./slices.ts";
import { Snapshot } from "./snapshot.ts";
import { type IsIgnored, warnIfMany, warnMissing } from "./watched-path.ts";

/** Milliseconds from the end of one scan to the start of the next (`docs/contract/lifecycle.md 6`). */
const intervalMs = 200;

/**
 * A scan of a big tree is followed by a rest this many times as long, so that looking takes little of the processor.
 */
const restPerScan = 4;

/** Milliseconds a scan may hold up everything else before it pauses. */
const sliceMs = 1;

export class PollingWatcher {
  readonly #snapshots: readonly Snapshot[];
  readonly #missing = new Set<Snapshot>();
  readonly #ready = Promise.withResolvers<void>();
  #isStopped = false;
  #hasLooked = false;
  #callOff: () => void = () => {};

  constructor(
    paths: readonly string[],
    private readonly clock: Clock,
    private readonly onChange: (path: string) => void,
    isIgnored?: IsIgnored,
  ) {
    this.#snapshots = paths.map((path) => new Snapshot(path, isIgnored));
  }

  /** Takes the first look, with which all others are compared. Resolves when it is taken, or at {@link stop}. */
  start(): Promise<void> {
    this.#scan();
    return this.#ready.promise;
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOff();
    this.#ready.resolve();
  }

  #scan(): void {
    const startedAt = this.clock.now();
    const callOff = inSlices(this.clock, sliceMs, this.#lookAtAll(), (changed) =>
      this.#scanned(changed, this.clock.now() - startedAt),
    );
    if (callOff) this.#callOff = callOff;
  }

  /** @returns the first path that differs */
  *#lookAtAll(): Generator<void, string | undefined> {
    let changed: string | undefined;
    for (const snapshot of this.#snapshots) {
      const found = yield* snapshot.look();
      changed ??= found;
      if (!snapshot.isMissing) this.#missing.delete(snapshot);
      else if (!this.#missing.has(snapshot)) {
        this.#missing.add(snapshot);
        warnMissing(snapshot.root);
      }
    }
    return changed;
  }

  #scanned(changed: string | undefined, tookMs: number): void {
    if (this.#isStopped) return;
    this.#callOff = this.clock.after(Math.max(intervalMs, tookMs * restPerScan), () => this.#scan());
    if (!this.#hasLooked) for (const { root, size } of this.#snapshots) warnIfMany(root, size, "files");
    this.#hasLooked = true;
    this.#ready.resolve();
    if (changed !== undefined) this.onChange(changed);
  }
}
