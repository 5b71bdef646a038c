/** What the function's processes see of init's environment (decision 12). */

/** `_X_AMZN_TRACE_ID`: AWS never sets it for the process; the runtime does, for each invocation. */
const withheld: ReadonlySet<string> = new Set(["HOME", "HOSTNAME", "_X_AMZN_TRACE_ID"]);

/** https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html, names that begin with `_` apart. */
const withheldFromExtensions: ReadonlySet<string> = new Set([
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_XRAY_CONTEXT_MISSING",
  "AWS_XRAY_DAEMON_ADDRESS",
  "LAMBDA_RUNTIME_DIR",
  "LAMBDA_TASK_ROOT",
]);

/**
 * The runtime's environment: what LocalStack gave, minus what is meant for init or describes the container.
 * @param handler beats `_HANDLER` when not empty
 * @param runtimeApi `host:port`
 */
export function runtimeEnvironment(
  given: Readonly<Record<string, string | undefined>>,
  handler: string,
  runtimeApi: string,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const isForInit = name.startsWith("LOCALSTACK_") && name !== "LOCALSTACK_HOSTNAME";
    if (value !== undefined && !isForInit && !withheld.has(name)) env[name] = value;
  }
  if (handler !== "") env._HANDLER = handler;
  env.AWS_LAMBDA_RUNTIME_API = runtimeApi;
  return env;
}

/** An external extension's environment: the runtime's, minus what AWS keeps from extensions. */
export function extensionEnvironment(runtime: Readonly<Record<string, string>>): Record<string, string> {
  const isSeen = ([name]: [string, string]) => !name.startsWith("_") && !withheldFromExtensions.has(name);
  return Object.fromEntries(Object.entries(runtime).filter(isSeen));
}
