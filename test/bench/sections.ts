/** What is measured in each section: both binaries in turn, so that whatever disturbs the machine meets both. */
import {
  type Block,
  invokeLogs,
  invokePayload,
  invokeSmall,
  measureBlock,
  measureLargeBlock,
  perBlock,
} from "./blocks.ts";
import type { Environment } from "./environment.ts";
import { canHaveExtensions } from "./extension-directory.ts";
import type { Plan } from "./plan.ts";
import { residentMb } from "./proc.ts";
import type { Section } from "./rows.ts";
import type { Sample, Samples } from "./samples.ts";
import type { SideBySide } from "./side-by-side.ts";
import { inTurn } from "./turns.ts";

/** Blocks that are not measured: 2,000 invocations, after which hardly anything is compiled any more. */
const warmUpBlocks = 20;

export interface Bench {
  readonly plan: Plan;
  readonly sideBySide: SideBySide;
  readonly samples: Samples;
}

/** Each adds its samples. */
export const sections: Readonly<Record<Section, (bench: Bench) => Promise<void>>> = {
  walk: measureWalk,
  fresh: measureFresh,
  start: measureStarts,
  exit: (bench) => measureFailures(bench, "exit", "exit"),
  "init-error": (bench) => measureFailures(bench, "init-error", "error"),
  payload: measurePayloads,
  logs: measureLogs,
  extension: measureExtension,
  subscriber: measureSubscriber,
  size: async ({ sideBySide, samples }) =>
    samples.add(sideBySide.binaries.map((binary) => ({ size: Bun.file(binary).size / 1e6 }))),
};

async function measureStarts({ plan, sideBySide, samples }: Bench): Promise<void> {
  for (let pair = 0; pair < plan.starts; pair++) {
    const measured = await inTurn(pair, sideBySide.binaries, async (_, index): Promise<Sample> => {
      const environment = sideBySide.start(pair, index);
      try {
        const ready = await environment.ready();
        await invokeSmall(environment);
        return { ready, "first-result": performance.now() - environment.startedAt };
      } finally {
        await environment.stop();
      }
    });
    samples.add(measured);
  }
}

async function measureFailures(
  { plan, sideBySide, samples }: Bench,
  row: "exit" | "init-error",
  runtimeFails: "exit" | "error",
): Promise<void> {
  // Once seen to send no error status, a binary is not asked again: each time costs seconds.
  const silent = new Set<number>();
  for (let pair = 0; pair < plan.failures; pair++) {
    const measured = await inTurn(pair, sideBySide.binaries, async (_, index): Promise<Sample> => {
      if (silent.has(index)) return {};
      const environment = sideBySide.start(pair, index, { runtimeFails });
      try {
        const ms = await environment.errorStatus();
        if (ms !== undefined) return { [row]: ms };
        silent.add(index);
        return {};
      } finally {
        await environment.stop();
      }
    });
    samples.add(measured);
  }
}

async function measureFresh({ plan, sideBySide, samples }: Bench): Promise<void> {
  for (let pair = 0; pair < plan.fresh; pair++) {
    await sideBySide.together(pair, {}, async (environments) => {
      samples.add(environments.map(({ pid }) => ({ "rss-ready": residentMb(pid).now })));
      const blocks = await inTurn(pair, environments, measureBlock);
      samples.add(blocks.map(({ p50, cpu }) => ({ fresh: p50, "fresh-cpu": cpu })));
    });
  }
}

async function measureWalk({ plan, sideBySide, samples }: Bench): Promise<void> {
  for (let round = 0; round < plan.walk.environments; round++) {
    await sideBySide.together(round, {}, async (environments) => {
      for (let block = 1; block <= warmUpBlocks; block++) {
        await inTurn(round + block, environments, measureBlock);
        if (block * perBlock !== 1000) continue;
        samples.add(environments.map(({ pid }) => ({ "rss-1000": residentMb(pid).now })));
      }
      for (let block = 0; block < plan.walk.blocks; block++) {
        samples.add(await inTurn(round + block, environments, measureBlock));
      }
    });
  }
}

function measurePayloads(bench: Bench): Promise<void> {
  return measureLarge(bench, "payload", "payload-peak", invokePayload);
}

function measureLogs(bench: Bench): Promise<void> {
  return measureLarge(bench, "logs", "logs-peak", invokeLogs);
}

async function measureLarge(
  { plan, sideBySide, samples }: Bench,
  row: "payload" | "logs",
  peakRow: "payload-peak" | "logs-peak",
  invoke: (environment: Environment) => Promise<number>,
): Promise<void> {
  for (let round = 0; round < plan[row].environments; round++) {
    await sideBySide.together(round, {}, async (environments) => {
      await inTurn(round, environments, measureBlock);
      await inTurn(round, environments, invoke);
      for (let block = 0; block < plan[row].blocks; block++) {
        const each = await inTurn(round + block, environments, (one) => measureLargeBlock(() => invoke(one)));
        samples.add(
          each.map(({ ms, whole }) => (row === "logs" ? { logs: ms, "logs-whole": whole } : { payload: ms })),
        );
      }
      samples.add(environments.map(({ pid }) => ({ [peakRow]: residentMb(pid).peak })));
    });
  }
}

function measureExtension(bench: Bench): Promise<void> {
  return measureWithExtension(bench, "idle", ({ p50, cpu }) => ({ extension: p50, "extension-cpu": cpu }));
}

function measureSubscriber(bench: Bench): Promise<void> {
  return measureWithExtension(bench, "telemetry", ({ p50, cpu }) => ({ subscriber: p50, "subscriber-cpu": cpu }));
}

/** A binary without extensions, or with a telemetry API that only says so, gives no figures here. */
async function measureWithExtension(
  { plan, sideBySide, samples }: Bench,
  extension: "idle" | "telemetry",
  toSample: (block: Block) => Sample,
): Promise<void> {
  if (!canHaveExtensions) return;
  for (let round = 0; round < plan.extension.environments; round++) {
    await sideBySide.together(round, { extension }, async (environments) => {
      for (let block = 0; block < warmUpBlocks; block++) await inTurn(block, environments, measureBlock);
      const isServed = environments.map((environment) => environment.isExtensionServed);
      for (let block = 0; block < plan.extension.blocks; block++) {
        const blocks = await inTurn(round + block, environments, measureBlock);
        samples.add(blocks.map((measured, index) => (isServed[index] ? toSample(measured) : {})));
      }
    });
  }
}
