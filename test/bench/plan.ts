/** How much is measured. */

export interface Plan {
  /** Pairs of starts: to the first result, and with a runtime that fails, in each way. */
  readonly starts: number;
  readonly failures: number;
  /** Pairs of environments whose first 100 invocations are measured. */
  readonly fresh: number;
  /** Pairs of environments, and pairs of blocks with each, once warm. */
  readonly walk: Blocks;
  readonly payload: Blocks;
  readonly logs: Blocks;
  /** With an extension, and once more with a telemetry subscriber. */
  readonly extension: Blocks;
}

export interface Blocks {
  readonly environments: number;
  readonly blocks: number;
}

/** Some five minutes with two binaries, on two cores. */
export const fullPlan: Plan = {
  starts: 100,
  failures: 40,
  fresh: 60,
  walk: { environments: 8, blocks: 50 },
  payload: { environments: 8, blocks: 12 },
  logs: { environments: 8, blocks: 12 },
  extension: { environments: 5, blocks: 20 },
};

/** About one minute. */
export const quickPlan: Plan = {
  starts: 25,
  failures: 12,
  fresh: 15,
  walk: { environments: 3, blocks: 20 },
  payload: { environments: 3, blocks: 6 },
  logs: { environments: 3, blocks: 6 },
  extension: { environments: 2, blocks: 10 },
};
