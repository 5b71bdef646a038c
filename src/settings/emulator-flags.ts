/** What the command line asks for where init is the emulator: the flags of AWS's own, and ours. */
import { type LogLevel, logLevels } from "../log.ts";
import { type Action, actionOf, commonFlags, defaultRuntimeApi } from "./command-line.ts";
import { type FlagValues, readFlags, switchFlag, takeOut, valueFlag } from "./flags.ts";
import { type FunctionUrlCors, functionUrlCors } from "./function-url-cors.ts";
import {
  type Address,
  address,
  commaList,
  type Kind,
  memorySizeMb,
  oneOf,
  portOrAny,
  someText,
  timeoutSeconds,
  wholeNumber,
} from "./kinds.ts";
import { ConfigurationError, type Variables } from "./setting.ts";

/** Words of AWS's emulator, in any case. */
export const emulatorLogLevel: Kind<LogLevel> = {
  allowed: "one of panic, fatal, error, warning, info, debug, trace",
  parse(text) {
    const word = text.toLowerCase() === "warning" ? "warn" : text.toLowerCase();
    return word in logLevels ? (word as LogLevel) : undefined;
  },
};

/** Where the emulator listens: like AWS's, all interfaces when no host is named. */
const listenAddress: Kind<Address> = {
  ...address("0.0.0.0:8080", portOrAny),
  parse: (text) => address("", portOrAny).parse(text.startsWith(":") ? `0.0.0.0${text}` : text),
};

const fileName = someText("a file");
const filesOf: Kind<readonly string[]> = { allowed: "a file", parse: (text) => (text === "" ? undefined : [text]) };

const seconds: Kind<number> = {
  allowed: "seconds, 0 or more, fractions allowed",
  parse: (text) => (/^\d+(\.\d+)?$/.test(text) && Number(text) <= 86_400 ? Number(text) : undefined),
};

/** Takes the place of `--runtime-interface-emulator-address`, which wins. */
const addressVariable = "RUNTIME_INTERFACE_EMULATOR_ADDRESS";

/** Understood wherever they stand, behind the command and its arguments too. */
export const awsFlags = {
  logLevel: valueFlag(
    "--log-level",
    "LEVEL",
    "what is told on stderr (default: LOG_LEVEL, else info)",
    emulatorLogLevel,
  ),
  address: valueFlag(
    "--runtime-interface-emulator-address",
    "HOST:PORT",
    `where the Invoke API listens (default: ${addressVariable}, else 0.0.0.0:8080, on a terminal 127.0.0.1:8080)`,
    listenAddress,
  ),
  runtimeApi: valueFlag(
    "--runtime-api-address",
    "HOST:PORT",
    "where the Runtime API listens (default 127.0.0.1:9001)",
    address("127.0.0.1:9001", portOrAny),
  ),
  enableInitCaching: switchFlag("--enable-init-caching", "run as a SnapStart function"),
} as const;

/** Understood only before the command: a function may have flags of these names itself. */
export const ownFlags = {
  ...commonFlags,
  host: valueFlag("--host", "HOST", "where the Invoke API listens", someText("a host name or address")),
  port: valueFlag("--port", "PORT", "where the Invoke API listens; 0: a free port, which is printed", portOrAny),
  concurrency: valueFlag(
    "--concurrency",
    "N",
    "environments that may run at once (default 1)",
    wholeNumber("environments", 1, 1000),
  ),
  queue: valueFlag(
    "--queue",
    "N",
    "calls that may wait (default 100); beyond it 429",
    wholeNumber("calls", 0, 1_000_000),
  ),
  init: valueFlag(
    "--init",
    "WHEN",
    "eager: start the function at once; lazy: at the first call",
    oneOf("eager", "lazy"),
  ),
  watch: switchFlag("--watch", "start the function anew when its code changes"),
  envFiles: valueFlag(
    "--env-file",
    "FILE",
    "variables for the function, those of the environment win; several allowed; --watch reads them again",
    filesOf,
  ),
  timeoutSeconds: valueFlag("--timeout", "SECONDS", "how long a call may take (default 300)", timeoutSeconds),
  noTimeout: switchFlag("--no-timeout", "no time limit at all, for a debugger"),
  memorySizeMb: valueFlag("--memory", "MB", "the function's memory, as it is told (default 3008)", memorySizeMb),
  functionName: valueFlag("--function-name", "NAME", "the function's name (default test_function)", someText("a name")),
  strictName: switchFlag("--strict-name", "answer 404 to calls of another function"),
  event: valueFlag("--event", "FILE", "call once with this event (-: standard input), print the result, end", fileName),
  functionUrl: valueFlag("--function-url", "PORT", "serve a Function URL too", portOrAny),
  functionUrlMode: valueFlag(
    "--function-url-mode",
    "MODE",
    "its InvokeMode (default BUFFERED)",
    oneOf("BUFFERED", "RESPONSE_STREAM"),
  ),
  functionUrlCors: valueFlag("--function-url-cors", "JSON", "its Cors, as AWS's API has it", functionUrlCors),
  cors: valueFlag("--cors", "ORIGIN,…", "web origins that may call; * for any", commaList("origins")),
  eventRetryDelay: valueFlag(
    "--event-retry-delay",
    "SECONDS",
    "before a failed event is tried again (default 60, then 120)",
    seconds,
  ),
  noUi: switchFlag("--no-ui", "no page at /"),
  bandwidth: switchFlag("--bandwidth", "slow streams down as AWS does: 2 MB/s behind the first 6 MB"),
  availabilityZoneId: valueFlag(
    "--availability-zone-id",
    "ID",
    "told by the metadata endpoint (default: by region)",
    someText("an id such as use1-az1"),
  ),
} as const;

/** What is done in place of running a function. */
export const installFlags = {
  installInto: valueFlag(
    "--install-localstack",
    "DIR",
    "put this binary into DIR, LocalStack's volume, in the form that starts fastest; print LocalStack's settings; end",
    someText("the directory on the host that is LocalStack's volume"),
  ),
} as const;

const headFlags = { ...awsFlags, ...ownFlags, ...installFlags } as const;

export interface EmulatorFlags {
  /** `undefined`: not given. */
  readonly logLevel: LogLevel | undefined;
  /** `undefined`: not given, a terminal decides. */
  readonly hostname: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly runtimeApi: Address;
  readonly isInitCachingOn: boolean;
  readonly concurrency: number;
  readonly queue: number;
  readonly isWatching: boolean;
  readonly envFiles: readonly string[];
  readonly timeoutSeconds: number | undefined;
  readonly memorySizeMb: number | undefined;
  readonly functionName: string | undefined;
  /** `undefined`: a terminal decides. */
  readonly init: "eager" | "lazy" | undefined;
  /** A file, or `-`. */
  readonly event: string | undefined;
  readonly isTimeoutOff: boolean;
  readonly isUiOff: boolean;
  readonly functionUrl: FunctionUrlFlags | undefined;
  readonly cors: readonly string[];
  /** Before each of the two retries; `undefined`: AWS's one and two minutes. */
  readonly eventRetryDelayMs: number | undefined;
  readonly isNameStrict: boolean;
  readonly isBandwidthLimited: boolean;
  readonly availabilityZoneId: string | undefined;
}

export interface FunctionUrlFlags {
  readonly port: number;
  readonly mode: "BUFFERED" | "RESPONSE_STREAM";
  readonly cors: FunctionUrlCors | undefined;
}

export interface EmulatorCommandLine {
  readonly action: Action;
  /** The runtime's, without the flags of AWS's emulator; empty: look for a bootstrap. */
  readonly command: readonly string[];
  /** Where to put this binary for LocalStack, in place of running anything. */
  readonly installInto: string | undefined;
  readonly flags: EmulatorFlags;
}

/**
 * Reads the flags. Before the command an unknown one is an error; behind it all but the four of AWS's emulator are the
 * function's; `--` before the command makes everything behind it the function's.
 * @throws {ConfigurationError} a flag that does not exist, a value that is refused or missing
 */
export function readEmulatorCommandLine(args: readonly string[], env: Variables): EmulatorCommandLine {
  const { values: head, command: rest, isEndMarked } = readFlags(headFlags, args);
  const { values: tail, left: command } = isEndMarked ? { values: {}, left: rest } : takeOut(awsFlags, rest);
  const given: FlagValues<typeof headFlags> = { ...head, ...tail };
  return { action: actionOf(given), command, installInto: given.installInto, flags: toFlags(given, env) };
}

function toFlags(given: FlagValues<typeof headFlags>, env: Variables): EmulatorFlags {
  const listen = given.address ?? addressIn(env);
  return {
    logLevel: given.logLevel,
    hostname: given.host ?? listen?.hostname,
    port: given.port ?? listen?.port ?? 8080,
    runtimeApi: given.runtimeApi ?? defaultRuntimeApi,
    isInitCachingOn: given.enableInitCaching ?? false,
    concurrency: given.concurrency ?? 1,
    queue: given.queue ?? 100,
    isWatching: given.watch ?? false,
    envFiles: given.envFiles ?? [],
    timeoutSeconds: given.timeoutSeconds,
    memorySizeMb: given.memorySizeMb,
    functionName: given.functionName,
    init: given.init,
    event: given.event,
    isTimeoutOff: given.noTimeout ?? false,
    isUiOff: given.noUi ?? false,
    functionUrl: functionUrlIn(given),
    cors: given.cors ?? [],
    eventRetryDelayMs: given.eventRetryDelay === undefined ? undefined : given.eventRetryDelay * 1000,
    isNameStrict: given.strictName ?? false,
    isBandwidthLimited: given.bandwidth ?? false,
    availabilityZoneId: given.availabilityZoneId,
  };
}

function addressIn(env: Variables): Address | undefined {
  const text = env[addressVariable];
  if (!text) return undefined;
  const found = listenAddress.parse(text);
  if (found) return found;
  throw new ConfigurationError(`${addressVariable} is ${JSON.stringify(text)}: it must be ${listenAddress.allowed}`);
}

function functionUrlIn(given: FlagValues<typeof headFlags>): FunctionUrlFlags | undefined {
  const { functionUrl, functionUrlMode, functionUrlCors: cors } = given;
  if (functionUrl !== undefined) return { port: functionUrl, mode: functionUrlMode ?? "BUFFERED", cors };
  const [alone] = [functionUrlMode && ownFlags.functionUrlMode, cors && ownFlags.functionUrlCors].filter(Boolean);
  if (!alone) return undefined;
  throw new ConfigurationError(
    `${(alone as { flag: string }).flag} is given without ${ownFlags.functionUrl.flag} PORT`,
  );
}
