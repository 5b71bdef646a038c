/** All the processes of one environment. Several environments in one program do not see each other's. */
import type { Clock } from "../clock.ts";
import { endAllProcesses } from "./end-all.ts";
import { type Launch, launchProcess } from "./launch.ts";
import { MemoryMeter } from "./memory.ts";
import { Family } from "./ownership.ts";

export class Owner {
  readonly #family = new Family();
  /** The memory of its processes, wherever they moved to. */
  readonly memory: MemoryMeter;

  constructor(private readonly clock: Clock) {
    this.memory = new MemoryMeter(clock, () => this.#family.look().members);
  }

  /** Starts a process: it, and all that will descend from it, is this owner's. @throws {LaunchError} */
  readonly launch: Launch = (spec) => {
    const launched = launchProcess(spec, this.#family);
    this.memory.watch(launched.pid);
    void launched.exited.then(() => this.memory.forget(launched.pid));
    return launched;
  };

  /**
   * Kills all of its processes and waits until none is left, at most `budgetMs` milliseconds.
   * @returns whether all ended; if not, which ones is in the log
   */
  readonly endAll = async (budgetMs: number): Promise<boolean> => {
    const haveAllEnded = await endAllProcesses(this.clock, budgetMs, () => this.#family.look());
    if (haveAllEnded) this.#family.forgetSessions();
    return haveAllEnded;
  };

  /** To be called after `endAll`, when nothing will be launched any more. */
  dispose(): void {
    this.memory.close();
    this.#family.dispose();
  }
}
