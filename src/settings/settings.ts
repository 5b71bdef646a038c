/**
 * Every environment variable and flag init reads, in one table: name, what is allowed, default, who sees it.
 * Source of the rows: `localstack.md` 4.1 of the contract.
 */
import { type LogLevel, logLevels } from "../log.ts";

/** The environment as init found it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Thrown with one sentence for each bad setting: which variable or flag, its value, what is allowed. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
}

interface Setting<T> {
  readonly variable: string;
  /** What is allowed, as the end of the sentence "`X` must be …". */
  readonly allowed: string;
  /** Turns the text into the value; `undefined` refuses it. */
  readonly parse: (text: string) => T | undefined;
  /** Stands in when the variable is absent, or present without a text. `undefined`: the variable is required. */
  readonly whenAbsent: T | undefined;
  /** Whether the function's processes get the variable too. */
  readonly seenBy: "init" | "init and function";
}

function setting<T>(
  variable: string,
  seenBy: Setting<T>["seenBy"],
  kind: Pick<Setting<T>, "allowed" | "parse">,
  whenAbsent?: T,
): Setting<T> {
  return { variable, seenBy, ...kind, whenAbsent };
}

const anyText = { allowed: "a text", parse: (text: string) => text };

function wholeNumber(what: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return {
    allowed: `${what}, a whole number, ${range}`,
    parse(text: string) {
      const number = Number(text);
      return /^\d+$/.test(text) && number >= min && number <= max ? number : undefined;
    },
  };
}

function oneOf<const T extends string>(...words: T[]) {
  return {
    allowed: `one of ${words.join(", ")}`,
    parse: (text: string) => words.find((word) => word === text),
  };
}

const port = wholeNumber("a port", 1, 65_535);

const httpUrl = {
  allowed: "the http:// or https:// address of LocalStack's callbacks",
  parse: (text: string) =>
    /^https?:\/\/[^/\s]+/.test(text) && URL.canParse(text) ? text.replace(/\/+$/, "") : undefined,
};

const pathSegment = {
  allowed: "the id of this environment, without slashes or blanks",
  parse: (text: string) => (/^[^\s/?#]+$/.test(text) ? text : undefined),
};

const accountId = {
  allowed: "an AWS account id, 12 digits",
  parse: (text: string) => (/^\d{12}$/.test(text) ? text : undefined),
};

const commaList = {
  allowed: "a comma-separated list of paths",
  parse: (text: string) => text.split(",").filter((path) => path !== ""),
};

/** A code archive to fetch and unpack before the runtime starts. */
export interface CodeArchive {
  readonly url: string;
  readonly target_path: string;
}

const archiveList = {
  allowed: 'a JSON list of {"url": "…", "target_path": "…"}',
  parse(text: string): CodeArchive[] | undefined {
    const list = parseJson(text);
    const isArchive = (item: unknown) =>
      typeof item === "object" &&
      item !== null &&
      typeof (item as CodeArchive).url === "string" &&
      typeof (item as CodeArchive).target_path === "string";
    return Array.isArray(list) && list.every(isArchive) ? list : undefined;
  },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The longest timeout a JavaScript timer can carry, in whole seconds (about 24 days). */
const maxTimeoutSeconds = 2_147_483;

export const settings = {
  runtimeEndpoint: setting("LOCALSTACK_RUNTIME_ENDPOINT", "init", httpUrl),
  runtimeId: setting("LOCALSTACK_RUNTIME_ID", "init", pathSegment),
  accountId: setting("LOCALSTACK_FUNCTION_ACCOUNT_ID", "init", accountId, "000000000000"),
  invokePort: setting("LOCALSTACK_INTEROP_PORT", "init", port, 9563),
  tracingPort: setting("LOCALSTACK_RUNTIME_TRACING_PORT", "init", port, 9564),
  user: setting("LOCALSTACK_USER", "init", anyText, "sbx_user1051"),
  // Without it init ends where it cannot give up root: a function must not get more rights than it has on AWS unnoticed.
  allowRoot: setting("LOCALSTACK_ALLOW_ROOT", "init", oneOf("0", "1"), "0"),
  codeArchives: setting("LOCALSTACK_CODE_ARCHIVES", "init", archiveList, []),
  hotReloadingPaths: setting("LOCALSTACK_HOT_RELOADING_PATHS", "init", commaList, []),
  fileWatcherStrategy: setting("LOCALSTACK_FILE_WATCHER_STRATEGY", "init", oneOf("event", "polling", "auto"), "auto"),
  xrayTelemetry: setting("LOCALSTACK_ENABLE_XRAY_TELEMETRY", "init", anyText, ""),
  logLevel: setting(
    "LOCALSTACK_INIT_LOG_LEVEL",
    "init",
    oneOf<LogLevel>(...(Object.keys(logLevels) as LogLevel[])),
    "warn",
  ),
  postInvokeWaitMs: setting("LOCALSTACK_POST_INVOKE_WAIT_MS", "init", wholeNumber("milliseconds", 0, 900_000), 0),
  maxPayloadBytes: setting("LOCALSTACK_MAX_PAYLOAD_SIZE", "init", wholeNumber("bytes", 1), 6_291_556),
  // Bad entries are warnings, not refusals: they are looked at where the modes are set.
  chmodPaths: setting("LOCALSTACK_CHMOD_PATHS", "init", anyText, "[]"),
  localstackHostname: setting("LOCALSTACK_HOSTNAME", "init and function", anyText, ""),
  edgePort: setting("EDGE_PORT", "init and function", port, 4566),
  timeoutSeconds: setting(
    "AWS_LAMBDA_FUNCTION_TIMEOUT",
    "init and function",
    wholeNumber("the function's timeout in seconds", 1, maxTimeoutSeconds),
  ),
  functionVersion: setting("AWS_LAMBDA_FUNCTION_VERSION", "init and function", anyText),
  memorySizeMb: setting(
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "init and function",
    wholeNumber("the function's memory in MB", 1),
  ),
  region: setting("AWS_REGION", "init and function", anyText),
  functionName: setting("AWS_LAMBDA_FUNCTION_NAME", "init and function", anyText, "test_function"),
  initializationType: setting("AWS_LAMBDA_INITIALIZATION_TYPE", "init and function", anyText, "on-demand"),
  logStreamName: setting("AWS_LAMBDA_LOG_STREAM_NAME", "init and function", anyText, ""),
  // Other words than AWS's mean the default: these are the function's, and no reason to refuse it.
  logFormat: setting("AWS_LAMBDA_LOG_FORMAT", "init and function", anyText, "Text"),
  applicationLogLevel: setting("AWS_LAMBDA_LOG_LEVEL", "init and function", anyText, "INFO"),
  // AWS tells it to nobody inside the environment: a name of our own.
  systemLogLevel: setting("LOCALSTACK_SYSTEM_LOG_LEVEL", "init", oneOf("DEBUG", "INFO", "WARN"), "INFO"),
} satisfies Record<string, Setting<unknown>>;

/** The value of every setting, with defaults filled in. */
export type Config = {
  readonly [Key in keyof typeof settings]: (typeof settings)[Key] extends Setting<infer T> ? T : never;
};

/** An empty text counts as absent, except here, where it means something: no user to switch to. */
const emptyIsAValue: ReadonlySet<string> = new Set([settings.user.variable]);

/**
 * Reads and checks all settings.
 * @throws {ConfigurationError} naming every variable that is missing or refused, its value and what is allowed
 */
export function readConfig(env: Variables): Config {
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, row] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const text = env[row.variable];
    const isAbsent = text === undefined || (text === "" && !emptyIsAValue.has(row.variable));
    const value = isAbsent ? row.whenAbsent : row.parse(text);
    if (value === undefined) {
      problems.push(
        isAbsent
          ? `${row.variable} is missing: it must be ${row.allowed}`
          : `${row.variable} is ${JSON.stringify(text)}: it must be ${row.allowed}`,
      );
    }
    config[key] = value;
  }
  if (problems.length > 0) throw new ConfigurationError(problems.join("; "));
  return config as Config;
}

/** Where to tell LocalStack of a bad configuration; `undefined` when these two are themselves missing or bad. */
export function readCallbackAddress(env: Variables): Pick<Config, "runtimeEndpoint" | "runtimeId"> | undefined {
  const runtimeEndpoint = settings.runtimeEndpoint.parse(env[settings.runtimeEndpoint.variable] ?? "");
  const runtimeId = settings.runtimeId.parse(env[settings.runtimeId.variable] ?? "");
  return runtimeEndpoint && runtimeId ? { runtimeEndpoint, runtimeId } : undefined;
}

/** What the command line asks for. */
export interface CommandLine {
  readonly action: "run" | "version" | "help";
  /** Where the Runtime API listens. */
  readonly runtimeApi: { readonly hostname: string; readonly port: number };
  /** The runtime's command; empty: look for a bootstrap. */
  readonly command: readonly string[];
}

/** The flags, for `--help` and for the parser. They stand before the runtime's command. */
export const flags = {
  "--help": "print this help",
  "--version": "print the version",
  "--runtime-api-address HOST:PORT": "where the Runtime API listens (default 127.0.0.1:9001)",
} as const;

/**
 * Reads the flags before the runtime's command; from the first other word on, all belongs to the command.
 * @throws {ConfigurationError} on a flag that does not exist or an address that is none
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  let action: CommandLine["action"] = "run";
  let runtimeApi = { hostname: "127.0.0.1", port: 9001 };
  let at = 0;
  for (; at < args.length && args[at]?.startsWith("-"); at++) {
    const [flag, inlineValue] = splitFlag(args[at] as string);
    if (flag === "--") {
      at++;
      break;
    } else if (flag === "--help" || flag === "-h") action = "help";
    else if (flag === "--version") action = "version";
    else if (flag === "--runtime-api-address") runtimeApi = parseAddress(flag, inlineValue ?? args[++at] ?? "");
    else throw new ConfigurationError(`the flag ${flag} does not exist: see --help`);
  }
  return { action, runtimeApi, command: args.slice(at) };
}

function splitFlag(word: string): [flag: string, value: string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function parseAddress(flag: string, text: string): CommandLine["runtimeApi"] {
  const colon = text.lastIndexOf(":");
  const hostname = text.slice(0, colon);
  const number = port.parse(text.slice(colon + 1));
  if (colon < 1 || number === undefined) {
    throw new ConfigurationError(`${flag} is ${JSON.stringify(text)}: it must be HOST:PORT, such as 127.0.0.1:9001`);
  }
  return { hostname, port: number };
}
