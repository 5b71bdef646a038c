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
  starts: 120,
  failures: 50,
  fresh: 80,
  walk: { environments: 10, blocks: 60 },
  payload: { environments: 10, blocks: 14 },
  logs: { environments: 10, blocks: 14 },
  extension: { environments: 6, blocks: 25 },
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
