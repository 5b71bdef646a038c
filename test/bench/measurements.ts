/** What is measured, and in which order: both binaries in turn, so that whatever disturbs the machine meets both. */
import type { CallbackReceiver } from "./callback-receiver.ts";
import { Environment, invokePort } from "./environment.ts";
import { canHaveExtensions, type ExtensionKind } from "./extension-directory.ts";
import { PreparedEvent } from "./invoke-client.ts";
import { cpuMs, residentMb } from "./proc.ts";
import { median, percentile } from "./statistics.ts";

/** The rows of the result, in their order. Unless it says otherwise, less is better. */
export const metrics = {
  coldReadyMs: { label: "cold start to ready", unit: "ms" },
  coldResultMs: { label: "cold start to first result", unit: "ms" },
  exitErrorMs: { label: "exit at init to error status", unit: "ms" },
  smallP50Ms: { label: "1 KB invocation, p50", unit: "ms" },
  smallP99Ms: { label: "1 KB invocation, p99", unit: "ms" },
  smallPerSecond: { label: "1 KB invocations, one by one", unit: "per s", isMoreBetter: true },
  cpuPerInvocationMs: { label: "CPU per 1 KB invocation", unit: "ms" },
  extensionP50Ms: { label: "… with an idle extension, p50", unit: "ms" },
  extensionCpuMs: { label: "… with an idle extension, CPU", unit: "ms" },
  telemetryP50Ms: { label: "… with a telemetry subscriber, p50", unit: "ms" },
  telemetryCpuMs: { label: "… with a telemetry subscriber, CPU", unit: "ms" },
  payloadMs: { label: "5 MB payload echoed", unit: "ms" },
  logsMs: { label: "5 MB of logs", unit: "ms" },
  readyRssMb: { label: "RSS when ready", unit: "MB" },
  thousandRssMb: { label: "RSS after 1,000 small", unit: "MB" },
  peakRssMb: { label: "RSS peak after 5 MB payloads", unit: "MB" },
  binaryMb: { label: "binary size", unit: "MB" },
} as const satisfies Record<string, { label: string; unit: string; isMoreBetter?: boolean }>;

export type Metric = keyof typeof metrics;

/** How much is measured. */
export interface Plan {
  /** How often everything below is done with each binary. */
  readonly rounds: number;
  /** Starts per round: to the first result, and with a runtime that exits. */
  readonly coldStarts: number;
  readonly failedStarts: number;
  /** Timed invocations of 1 KB per round, after 1,000 that are not timed. Many, for CPU time comes in steps of 10 ms. */
  readonly smallInvocations: number;
  readonly payloads: number;
  readonly logs: number;
  /** Timed invocations of 1 KB with an extension, after 500 that are not timed. */
  readonly withExtension: number;
}

export const fullPlan: Plan = {
  rounds: 7,
  coldStarts: 8,
  failedStarts: 4,
  smallInvocations: 2500,
  payloads: 20,
  logs: 5,
  withExtension: 1500,
};

export const quickPlan: Plan = {
  rounds: 2,
  coldStarts: 5,
  failedStarts: 2,
  smallInvocations: 1500,
  payloads: 20,
  logs: 3,
  withExtension: 1000,
};

/** A binary and what was measured with it. */
export class Subject {
  readonly samples: { readonly [M in Metric]: number[] };
  /** Once seen not to send an error status when the runtime exits at init, it is not asked again. */
  isSilentAboutExits = false;

  constructor(
    readonly name: string,
    readonly path: string,
  ) {
    this.samples = Object.fromEntries(Object.keys(metrics).map((metric) => [metric, []])) as never;
    this.samples.binaryMb.push(Bun.file(path).size / 1e6);
  }

  /** `NaN` when nothing could be measured. */
  median(metric: Metric): number {
    return median(this.samples[metric]);
  }
}

export interface Bench {
  readonly plan: Plan;
  readonly runtimeCommand: readonly string[];
  readonly receiver: CallbackReceiver;
}

const warmUpInvocations = 1000;
const logBytes = 5_000_000;

const smallEvent = new PreparedEvent(JSON.stringify({ key: "x".repeat(1014) }), invokePort);
const largeEvent = new PreparedEvent(JSON.stringify({ key: "0123456789".repeat(500_000) }), invokePort);
const logsEvent = new PreparedEvent(JSON.stringify({ logs: logBytes }), invokePort);

/** Adds the samples of one round to each subject; who goes first changes from round to round. */
export async function measureRound(bench: Bench, subjects: readonly Subject[], round: number): Promise<void> {
  const inTurn = round % 2 === 0 ? subjects : subjects.toReversed();
  for (let start = 0; start < bench.plan.coldStarts; start++) {
    for (const subject of inTurn) await measureColdStart(bench, subject);
  }
  for (let start = 0; start < bench.plan.failedStarts; start++) {
    for (const subject of inTurn) await measureFailedStart(bench, subject);
  }
  for (const subject of inTurn) await measureWarm(bench, subject);
  if (!canHaveExtensions) return;
  for (const subject of inTurn) await measureWithExtension(bench, subject, "idle");
  for (const subject of inTurn) await measureWithExtension(bench, subject, "telemetry");
}

async function measureColdStart(bench: Bench, subject: Subject): Promise<void> {
  const environment = new Environment({ ...bench, binary: subject.path });
  try {
    subject.samples.coldReadyMs.push(await environment.ready());
    await environment.invoke(smallEvent);
    subject.samples.coldResultMs.push(performance.now() - environment.startedAt);
  } finally {
    await environment.stop();
  }
}

async function measureFailedStart(bench: Bench, subject: Subject): Promise<void> {
  if (subject.isSilentAboutExits) return;
  const environment = new Environment({ ...bench, binary: subject.path, runtimeExits: 1 });
  try {
    const ms = await environment.errorStatus();
    if (ms === undefined) subject.isSilentAboutExits = true;
    else subject.samples.exitErrorMs.push(ms);
  } finally {
    await environment.stop();
  }
}

async function measureWarm(bench: Bench, { path, samples }: Subject): Promise<void> {
  const environment = new Environment({ ...bench, binary: path });
  const { plan } = bench;
  try {
    await environment.ready();
    samples.readyRssMb.push(residentMb(environment.pid).now);

    await repeat(warmUpInvocations, () => environment.invoke(smallEvent));
    samples.thousandRssMb.push(residentMb(environment.pid).now);

    const cpuBefore = cpuMs(environment.pid);
    const startedAt = performance.now();
    const small = await repeat(plan.smallInvocations, () => environment.invoke(smallEvent));
    const seconds = (performance.now() - startedAt) / 1000;
    samples.cpuPerInvocationMs.push((cpuMs(environment.pid) - cpuBefore) / plan.smallInvocations);
    samples.smallPerSecond.push(plan.smallInvocations / seconds);
    samples.smallP50Ms.push(percentile(small, 0.5));
    samples.smallP99Ms.push(percentile(small, 0.99));

    samples.payloadMs.push(...(await repeat(plan.payloads, () => environment.invoke(largeEvent))));
    samples.peakRssMb.push(residentMb(environment.pid).peak);

    samples.logsMs.push(...(await repeat(plan.logs, () => environment.invoke(logsEvent, logBytes))));
  } finally {
    await environment.stop();
  }
}

/** A binary without extensions, or with a telemetry API that only says so, gives no figures here. */
async function measureWithExtension(bench: Bench, { path, samples }: Subject, extension: ExtensionKind): Promise<void> {
  const environment = new Environment({ ...bench, binary: path, extension });
  const { withExtension } = bench.plan;
  const [p50, cpu] =
    extension === "idle"
      ? [samples.extensionP50Ms, samples.extensionCpuMs]
      : [samples.telemetryP50Ms, samples.telemetryCpuMs];
  try {
    await environment.ready();
    await repeat(warmUpInvocations / 2, () => environment.invoke(smallEvent));
    if (!environment.isExtensionServed) return;
    const cpuBefore = cpuMs(environment.pid);
    const times = await repeat(withExtension, () => environment.invoke(smallEvent));
    cpu.push((cpuMs(environment.pid) - cpuBefore) / withExtension);
    p50.push(percentile(times, 0.5));
  } finally {
    await environment.stop();
  }
}

async function repeat<T>(times: number, action: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let time = 0; time < times; time++) results.push(await action());
  return results;
}
