/** Every environment variable init reads for LocalStack, in one table: name, what is allowed, default, who sees it. */
import { type LogLevel, log, logLevels } from "../log.ts";
import { defaultZoneId } from "./availability-zone.ts";
import {
  accountId,
  anyText,
  commaList,
  httpUrl,
  type Kind,
  memorySizeMb,
  oneOf,
  parseJson,
  pathSegment,
  port,
  timeoutSeconds,
  wholeNumber,
} from "./kinds.ts";
import { optional, readTable, required, type Table, type ValuesOf, type Variables } from "./setting.ts";

export { ConfigurationError, type Variables } from "./setting.ts";

/** A code archive to fetch and unpack before the runtime starts. */
export interface CodeArchive {
  readonly url: string;
  readonly target_path: string;
}

const archiveList: Kind<readonly CodeArchive[]> = {
  allowed: 'a JSON list of {"url": "…", "target_path": "…"}',
  parse(text) {
    const list = parseJson(text);
    const isArchive = (item: unknown) =>
      typeof item === "object" &&
      item !== null &&
      typeof (item as CodeArchive).url === "string" &&
      typeof (item as CodeArchive).target_path === "string";
    return Array.isArray(list) && list.every(isArchive) ? list : undefined;
  },
};

const initFailure: Kind<"status" | "invoke" | undefined> = oneOf("status", "invoke");

/** `undefined`: not given; "default": given, and no number. */
const initPhaseTimeout: Kind<number | "default" | undefined> = wholeNumber("seconds (0: no limit)", 0);

/** `undefined`: one invocation at a time. */
const maxConcurrency: Kind<number | undefined> = wholeNumber("how many invocations may run at once", 1);

/** What the function is told about itself, in either mode. */
export const functionSettings = {
  handler: optional("AWS_LAMBDA_FUNCTION_HANDLER", "init and function", anyText("the function's handler"), "", {
    orElse: "_HANDLER",
  }),
  initializationType: optional(
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "init and function",
    anyText("AWS's word for the kind of environment"),
    "on-demand",
  ),
  // Other words than AWS's mean the default: these are the function's, and no reason to refuse it.
  logFormat: optional("AWS_LAMBDA_LOG_FORMAT", "init and function", anyText("Text or JSON"), "Text"),
  applicationLogLevel: optional(
    "AWS_LAMBDA_LOG_LEVEL",
    "init and function",
    anyText("which of the function's JSON lines are kept"),
    "INFO",
  ),
  maxConcurrency: optional("AWS_LAMBDA_MAX_CONCURRENCY", "init and function", maxConcurrency, undefined, {
    whenBad: "withhold",
  }),
  accessKeyId: optional("AWS_ACCESS_KEY_ID", "init and function", anyText("a key, which signs requests to X-Ray"), ""),
  secretAccessKey: optional("AWS_SECRET_ACCESS_KEY", "init and function", anyText("its secret"), ""),
  sessionToken: optional("AWS_SESSION_TOKEN", "init and function", anyText("its session token"), ""),
} satisfies Table;

export const settings = {
  runtimeEndpoint: required("LOCALSTACK_RUNTIME_ENDPOINT", "init", httpUrl),
  runtimeId: required("LOCALSTACK_RUNTIME_ID", "init", pathSegment),
  timeoutSeconds: required("AWS_LAMBDA_FUNCTION_TIMEOUT", "init and function", timeoutSeconds),
  functionVersion: required("AWS_LAMBDA_FUNCTION_VERSION", "init and function", anyText("the function's version")),
  memorySizeMb: required("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "init and function", memorySizeMb),
  region: required("AWS_REGION", "init and function", anyText("the function's region")),
  accountId: optional("LOCALSTACK_FUNCTION_ACCOUNT_ID", "init", accountId, "000000000000"),
  invokePort: optional("LOCALSTACK_INTEROP_PORT", "init", port, 9563),
  tracingPort: optional("LOCALSTACK_RUNTIME_TRACING_PORT", "init", port, 9564),
  user: optional("LOCALSTACK_USER", "init", anyText("the name of the user the function runs as"), "sbx_user1051", {
    isEmptyAValue: true,
  }),
  // Without it init ends where it cannot give up root: a function must not get more rights than it has on AWS
  // unnoticed.
  allowRoot: optional("LOCALSTACK_ALLOW_ROOT", "init", oneOf("0", "1"), "0"),
  codeArchives: optional("LOCALSTACK_CODE_ARCHIVES", "init", archiveList, []),
  hotReloadingPaths: optional("LOCALSTACK_HOT_RELOADING_PATHS", "init", commaList("paths"), []),
  fileWatcherStrategy: optional("LOCALSTACK_FILE_WATCHER_STRATEGY", "init", oneOf("event", "polling", "auto"), "auto"),
  xrayTelemetry: optional(
    "LOCALSTACK_ENABLE_XRAY_TELEMETRY",
    "init",
    anyText("1 to tell LocalStack the X-Ray daemon's own figures"),
    "",
  ),
  logLevel: optional(
    "LOCALSTACK_INIT_LOG_LEVEL",
    "init",
    oneOf<LogLevel>(...(Object.keys(logLevels) as LogLevel[])),
    "warn",
  ),
  postInvokeWaitMs: optional("LOCALSTACK_POST_INVOKE_WAIT_MS", "init", wholeNumber("milliseconds", 0, 900_000), 0),
  maxPayloadBytes: optional("LOCALSTACK_MAX_PAYLOAD_SIZE", "init", wholeNumber("bytes", 1), 6_291_556),
  // Bad entries are warnings, not refusals: they are looked at where the modes are set.
  chmodPaths: optional("LOCALSTACK_CHMOD_PATHS", "init", anyText('a JSON list of {"path": "…", "mode": "…"}'), "[]"),
  initFailure: optional("LOCALSTACK_INIT_FAILURE", "init", initFailure, undefined),
  initPhaseTimeoutSeconds: optional("LOCALSTACK_INIT_PHASE_TIMEOUT", "init", initPhaseTimeout, undefined, {
    whenBad: "warn",
    valueWhenBad: "default",
  }),
  availabilityZoneId: optional(
    "LOCALSTACK_AVAILABILITY_ZONE_ID",
    "init",
    anyText("the id of a zone, such as use1-az1 (otherwise by region)"),
    "",
  ),
  localstackHostname: optional(
    "LOCALSTACK_HOSTNAME",
    "init and function",
    anyText("the host that X-Ray's segments go to"),
    "",
  ),
  edgePort: optional("EDGE_PORT", "init and function", port, 4566),
  functionName: optional(
    "AWS_LAMBDA_FUNCTION_NAME",
    "init and function",
    anyText("the function's name"),
    "test_function",
  ),
  logStreamName: optional("AWS_LAMBDA_LOG_STREAM_NAME", "init and function", anyText("the name of the log stream"), ""),
  // AWS does not pass this level into the environment, so there is no name of AWS's to use.
  systemLogLevel: optional("LOCALSTACK_SYSTEM_LOG_LEVEL", "init", oneOf("DEBUG", "INFO", "WARN"), "INFO"),
  ...functionSettings,
} satisfies Table;

/** The value of every setting, with defaults filled in. */
export type Config = ValuesOf<typeof settings>;

/**
 * Reads and checks all settings.
 * @param warn is told one sentence for each bad value that is not used
 * @throws {ConfigurationError} naming every variable that is missing or refused, its value and what is allowed
 */
export function readConfig(env: Variables, warn = (sentence: string) => log.warn(sentence)): Config {
  const config = readTable(settings, env, warn);
  return { ...config, availabilityZoneId: config.availabilityZoneId || defaultZoneId(config.region) };
}

/** Where to tell LocalStack of a bad configuration; `undefined` when these two are themselves missing or bad. */
export function readCallbackAddress(env: Variables): Pick<Config, "runtimeEndpoint" | "runtimeId"> | undefined {
  const runtimeEndpoint = settings.runtimeEndpoint.parse(env[settings.runtimeEndpoint.variable] ?? "");
  const runtimeId = settings.runtimeId.parse(env[settings.runtimeId.variable] ?? "");
  return runtimeEndpoint && runtimeId ? { runtimeEndpoint, runtimeId } : undefined;
}
