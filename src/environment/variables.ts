/** The environments of the function's processes. */

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

/** Where the processes find the APIs of their environment. */
export interface Endpoints {
  /** `host:port` */
  readonly runtimeApi: string;
  /** Lets them ask for what they may know of where they run. */
  readonly metadataToken: string;
  /** Where they get their keys, and what lets them: only of a function with a snapshot. */
  readonly credentials?: { readonly url: string; readonly token: string } | undefined;
}

/**
 * The runtime's environment.
 * @param seen what the function is to see of init's own
 * @param handler beats `_HANDLER` when not empty
 */
export function runtimeEnvironment(
  seen: Readonly<Record<string, string>>,
  handler: string,
  { runtimeApi, metadataToken, credentials }: Endpoints,
): Record<string, string> {
  return {
    ...seen,
    ...(handler !== "" && { _HANDLER: handler }),
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_LAMBDA_METADATA_API: runtimeApi,
    AWS_LAMBDA_METADATA_TOKEN: metadataToken,
    ...(credentials && {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: credentials.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: credentials.token,
    }),
  };
}

/** An external extension's environment: the runtime's, minus what AWS keeps from extensions. */
export function extensionEnvironment(runtime: Readonly<Record<string, string>>): Record<string, string> {
  const isSeen = ([name]: [string, string]) => !name.startsWith("_") && !withheldFromExtensions.has(name);
  return Object.fromEntries(Object.entries(runtime).filter(isSeen));
}
