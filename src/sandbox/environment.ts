/** What the function's processes see of init's environment (decision 12). */

/** `_X_AMZN_TRACE_ID`: AWS never sets it for the process; the runtime does, for each invocation. */
const withheld: ReadonlySet<string> = new Set(["HOME", "HOSTNAME", "_X_AMZN_TRACE_ID"]);

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
