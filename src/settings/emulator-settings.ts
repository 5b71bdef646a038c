/** The settings of the emulator: what AWS's own reads from the environment, with its defaults. */
import { type LogLevel, log } from "../log.ts";
import { defaultZoneId } from "./availability-zone.ts";
import { type EmulatorFlags, emulatorLogLevel } from "./emulator-flags.ts";
import { functionVariables } from "./function-variables.ts";
import { accountId, anyText, type Kind, memorySizeMb, timeoutSeconds } from "./kinds.ts";
import { optional, readTable, type Table, type ValuesOf, type Variables } from "./setting.ts";
import { functionSettings } from "./settings.ts";

const both = "init and function";

/** A bad value is a warning and the default: the function can run, and the emulator stays. */
const warn = { whenBad: "warn" } as const;

const logLevel: Kind<LogLevel | undefined> = emulatorLogLevel;

export const emulatorSettings = {
  timeoutSeconds: optional("AWS_LAMBDA_FUNCTION_TIMEOUT", both, timeoutSeconds, 300, warn),
  memorySizeMb: optional("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", both, memorySizeMb, 3008, warn),
  functionName: optional("AWS_LAMBDA_FUNCTION_NAME", both, anyText("the function's name"), "test_function"),
  functionVersion: optional("AWS_LAMBDA_FUNCTION_VERSION", both, anyText("the function's version"), "$LATEST"),
  logGroupName: optional(
    "AWS_LAMBDA_LOG_GROUP_NAME",
    both,
    anyText("the name of the log group"),
    "/aws/lambda/Functions",
  ),
  logStreamName: optional("AWS_LAMBDA_LOG_STREAM_NAME", both, anyText("the name of the log stream"), "$LATEST"),
  region: optional("AWS_REGION", both, anyText("the function's region"), "us-east-1", { orElse: "AWS_DEFAULT_REGION" }),
  accountId: optional("AWS_ACCOUNT_ID", both, accountId, "012345678912", warn),
  // Often a variable of the function itself, whose words need not be ours.
  logLevel: optional("LOG_LEVEL", both, logLevel, undefined, warn),
  ...functionSettings,
} satisfies Table;

export type EmulatorSettings = Omit<ValuesOf<typeof emulatorSettings>, "logLevel"> & {
  readonly logLevel: LogLevel;
  /** AWS tells it to nobody inside the environment. */
  readonly systemLogLevel: "INFO";
  readonly availabilityZoneId: string;
};

/**
 * @param env with the variables of files already in it
 * @param tell is told one sentence for each bad value that is not used
 */
export function readEmulatorSettings(
  flags: EmulatorFlags,
  env: Variables,
  tell = (sentence: string) => log.warn(sentence),
): EmulatorSettings {
  const read = readTable(emulatorSettings, env, tell);
  return {
    ...read,
    timeoutSeconds: flags.timeoutSeconds ?? read.timeoutSeconds,
    memorySizeMb: flags.memorySizeMb ?? read.memorySizeMb,
    functionName: flags.functionName ?? read.functionName,
    initializationType: initializationTypeOf(flags, read),
    logLevel: flags.logLevel ?? read.logLevel ?? "info",
    systemLogLevel: "INFO",
    availabilityZoneId: flags.availabilityZoneId ?? defaultZoneId(read.region),
  };
}

function initializationTypeOf(flags: EmulatorFlags, read: ValuesOf<typeof emulatorSettings>): string {
  if (read.maxConcurrency !== undefined) return "lambda-managed-instances";
  return flags.isInitCachingOn ? "snap-start" : read.initializationType;
}

/**
 * What the function sees: everything that was given, and what AWS's emulator adds. No empty key is invented: a function
 * that tests for the presence of credentials would be misled.
 */
export function emulatorVariables(flags: EmulatorFlags, settings: EmulatorSettings, given: Variables) {
  const names = ["functionName", "functionVersion", "memorySizeMb", "logGroupName", "logStreamName"] as const;
  const isTypeChosen = settings.initializationType !== emulatorSettings.initializationType.whenAbsent;
  const added: (readonly [string, string])[] = names.map((key) => [emulatorSettings[key].variable, `${settings[key]}`]);
  if (flags.timeoutSeconds !== undefined) {
    added.push([emulatorSettings.timeoutSeconds.variable, `${flags.timeoutSeconds}`]);
  }
  if (isTypeChosen) added.push([emulatorSettings.initializationType.variable, settings.initializationType]);
  return { ...functionVariables(given, "emulator"), ...Object.fromEntries(added) } as Record<string, string>;
}
