/** The one function the emulator runs: what is known of it, and the environments for it. */
import { managedInstance, oneAtATime, type Policy } from "../environment/policy.ts";
import type { Capacity } from "../frontend/emulator/capacity.ts";
import { toFunctionArn } from "../frontend/emulator/function-name.ts";
import type { Invoker } from "../frontend/emulator/invoker.ts";
import { Pool } from "../frontend/emulator/pool.ts";
import { maxResponseBytes } from "../frontend/emulator/results.ts";
import { SharedEnvironment } from "../frontend/emulator/shared-environment.ts";
import { type Limits, limitsOf } from "../frontend/emulator/surroundings.ts";
import { environmentPrefix, LinePrefix, paintPlatformLines, withReportApart } from "../frontend/emulator/terminal.ts";
import { type FoundBootstrap, findBootstrap } from "../prepare/bootstrap.ts";
import { debuggerIn } from "../settings/debugger.ts";
import type { EmulatorCommandLine } from "../settings/emulator-flags.ts";
import { type EmulatorSettings, emulatorVariables, readEmulatorSettings } from "../settings/emulator-settings.ts";
import type { Variables } from "../settings/setting.ts";
import type { StdoutForwarder } from "../telemetry/stdout.ts";
import { type BuiltEnvironment, newEnvironment } from "./environment.ts";
import type { Program } from "./program.ts";

export interface EmulatedFunction {
  readonly commandLine: EmulatorCommandLine;
  readonly settings: EmulatorSettings;
  /** What processes that are started now see. */
  readonly variables: Readonly<Record<string, string>>;
  /**
   * Reads the files of variables again; what the emulator itself takes from them stays as it was at its start.
   * @throws {ConfigurationError} naming the file that cannot be read: the variables are then those of before
   */
  readVariables(): Promise<void>;
  readonly bootstrap: FoundBootstrap;
  /** The bootstrap was looked for, not named. */
  readonly isSearched: boolean;
  readonly limits: Limits;
  /** The ARN of a call that names no other. */
  readonly arn: string;
}

/** @throws {ConfigurationError} */
export async function readFunction(given: Variables, commandLine: EmulatorCommandLine): Promise<EmulatedFunction> {
  const { command, flags } = commandLine;
  const env = await withFiles(given, flags.envFiles);
  const settings = readEmulatorSettings(flags, env);
  const { isTimeoutOff } = flags;
  let variables = emulatorVariables(flags, settings, env);
  return {
    commandLine,
    settings,
    get variables() {
      return variables;
    },
    async readVariables() {
      variables = emulatorVariables(flags, settings, await withFiles(given, flags.envFiles));
    },
    bootstrap: findBootstrap(command, settings.handler, process.cwd()),
    isSearched: command.length === 0,
    limits: limitsOf({ ...settings, isTimeoutOff, debuggerMark: debuggerIn(env, command) }),
    arn: toFunctionArn("function", "", { ...settings, isNameStrict: false }),
  };
}

/** Loaded only where there are files: what reads them takes longer to load than all the rest. */
async function withFiles(given: Variables, files: readonly string[]): Promise<Variables> {
  if (files.length === 0) return given;
  const { readEnvFiles } = await import("../settings/env-file.ts");
  return readEnvFiles(files, given);
}

export interface Environments {
  readonly capacity: Capacity;
  /** What environments measure goes to it. */
  measuredFor(invoker: Invoker): void;
}

/**
 * @param output where the function's output and the platform's lines go
 * @param isTerminal a person reads it
 */
export function newEnvironments(
  { clock }: Program,
  fn: EmulatedFunction,
  output: StdoutForwarder,
  isTerminal: boolean,
  onChange?: () => void,
): Environments {
  const { settings, limits, bootstrap } = fn;
  const { flags } = fn.commandLine;
  let invoker: Invoker | undefined;
  const policy = policyOf(settings, limits);
  const prefixOf = (slot: number) => (isTerminal ? environmentPrefix(slot, capacity.load.environments) : "");
  const build = async (slot: number, onEnd?: () => void): Promise<BuiltEnvironment> => {
    const lines = new LinePrefix();
    return newEnvironment({
      clock,
      settings: { ...settings, timeoutSeconds: limits.timeoutSeconds, maxPayloadBytes: maxResponseBytes },
      policy,
      bootstrap,
      variables: () => fn.variables,
      handler: settings.handler,
      runtimeApi: { ...flags.runtimeApi, ...(slot === 0 ? {} : { port: 0 }) },
      show: (chunk) => output.forward(isTerminal ? lines.apply(chunk, prefixOf(slot)) : chunk),
      showLine(text) {
        if (isTerminal) output.forwardLine(paintPlatformLines(text, prefixOf(slot)));
        else for (const part of withReportApart(text)) output.forwardLine(part);
      },
      billsInit: true,
      onMeasured: (report) => invoker?.reported(report),
      onExtensionsFinished: (requestId, durationMs) => invoker?.extensionsFinished(requestId, durationMs),
      onIdleFault: () => {},
      ...(onEnd && { onEnd }),
    });
  };
  const capacity =
    settings.maxConcurrency === undefined
      ? new Pool({
          concurrency: flags.concurrency,
          queue: flags.queue,
          clock,
          newMember: (slot) => build(slot),
          ...(onChange && { onChange }),
        })
      : new SharedEnvironment({
          concurrency: settings.maxConcurrency,
          clock,
          newMember: (onEnd) => build(0, onEnd),
          ...(onChange && { onChange }),
        });
  return {
    capacity,
    measuredFor(given) {
      invoker = given;
    },
  };
}

/** A failed init is tried again within the next call; a runtime that died while idle is no call's fault. */
function policyOf({ maxConcurrency, initializationType }: EmulatorSettings, { initLimitMs }: Limits): Policy {
  if (maxConcurrency !== undefined) return managedInstance(maxConcurrency, initLimitMs);
  return {
    ...oneAtATime,
    afterFailedInit: "resetting",
    afterIdleCrash: "resetting",
    initLimitMs,
    isInitInvocationsTime: false,
    // Others have it in their INIT_REPORT.
    reportsInitDuration: initializationType === "on-demand",
    hasInitReports: true,
  };
}
