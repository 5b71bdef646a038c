/** A block: some invocations one after the other, and what they took. */
import { type Environment, invokePort } from "./environment.ts";
import { PreparedEvent } from "./invoke-client.ts";
import { cpuMs } from "./proc.ts";
import { median, percentile } from "./statistics.ts";

/** Short enough for both blocks of a pair to meet the same load, long enough for a 99 % of its own. */
export const perBlock = 100;

/** The same for invocations that take as long as a tenth of such a block. */
const perLargeBlock = 3;

const logBytes = 5_000_000;
const smallEvent = new PreparedEvent(JSON.stringify({ key: "x".repeat(1014) }), invokePort);
const payloadEvent = new PreparedEvent(JSON.stringify({ key: "0123456789".repeat(500_000) }), invokePort);
const logsEvent = new PreparedEvent(JSON.stringify({ logs: logBytes }), invokePort);

export const invokeSmall = (environment: Environment) => environment.invoke(smallEvent);
export const invokePayload = (environment: Environment) => environment.invoke(payloadEvent);
export const invokeLogs = (environment: Environment) => environment.invoke(logsEvent, logBytes);

/** Milliseconds of one invocation; `rate` is per second. `cpu` is that of init alone. */
export interface Block {
  readonly p50: number;
  readonly p99: number;
  readonly rate: number;
  readonly cpu: number;
}

export async function measureBlock(environment: Environment): Promise<Block> {
  const cpuBefore = cpuMs(environment.pid);
  const startedAt = performance.now();
  const times = await repeat(perBlock, () => invokeSmall(environment));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = (cpuMs(environment.pid) - cpuBefore) / perBlock;
  return { p50: median(times), p99: percentile(times, 0.99), rate: perBlock / seconds, cpu };
}

/** @returns the median, milliseconds, and how many of a hundred came whole */
export async function measureLargeBlock(invoke: () => Promise<number>): Promise<{ ms: number; whole: number }> {
  const times = await repeat(perLargeBlock, invoke);
  return { ms: median(times), whole: (times.filter((time) => !Number.isNaN(time)).length / times.length) * 100 };
}

async function repeat(times: number, action: () => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  for (let time = 0; time < times; time++) results.push(await action());
  return results;
}
