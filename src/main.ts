/** Composition: reads the configuration, builds the parts, runs them, decides the exit status. */

import packageJson from "../package.json" with { type: "json" };
import { settlesWithin, systemClock } from "./clock.ts";
import { Environment } from "./environment/environment.ts";
import { extensionEnvironment, runtimeEnvironment } from "./environment/variables.ts";
import { type Fault, type FaultType, messageOf } from "./errors.ts";
import { Callbacks } from "./frontend/localstack/callbacks.ts";
import { LocalStackFrontend } from "./frontend/localstack/frontend.ts";
import { createInvokeApi } from "./frontend/localstack/invoke-api.ts";
import { newFaultBody } from "./frontend/localstack/results.ts";
import { log, setLogLevel } from "./log.ts";
import { ListenError, listen, listenAsGo } from "./net/listener.ts";
import type { FoundBootstrap } from "./prepare/bootstrap.ts";
import { areExtensionsEnabled, findExtensions } from "./prepare/extension-files.ts";
import { prepare } from "./prepare/prepare.ts";
import { Owner } from "./process/owner.ts";
import { startReaping } from "./process/reaper.ts";
import { createRuntimeApi } from "./runtime-api/app.ts";
import { type CommandLine, readCommandLine } from "./settings/command-line.ts";
import { functionVariables } from "./settings/function-variables.ts";
import { cleanEnvironment } from "./settings/hostile-variables.ts";
import { type Config, readCallbackAddress, readConfig, type Variables } from "./settings/settings.ts";
import { stderr } from "./standard-streams.ts";
import { toApplicationLevel } from "./telemetry/log/json-levels.ts";
import { logBound } from "./telemetry/log/log-buffer.ts";
import { JsonFormat, TextFormat } from "./telemetry/log/log-format.ts";
import { type LogStore, SingleLog } from "./telemetry/log/log-store.ts";
import { Recorder } from "./telemetry/recorder.ts";
import type { FunctionFacts } from "./telemetry/records.ts";
import { StdoutForwarder } from "./telemetry/stdout.ts";
import { TelemetryService } from "./telemetry/subscribers/service.ts";
import type { XRayDaemon } from "./xray/daemon.ts";

const exitStatus = { done: 0, initFailed: 1, badConfiguration: 2 } as const;

const stdout = new StdoutForwarder(systemClock);

async function main(): Promise<void> {
  const { given, restartWith, withhold } = cleanEnvironment(process.env);
  const args = process.argv.slice(2);
  if (restartWith) restart(args, restartWith);
  for (const name of withhold) delete process.env[name];

  try {
    const commandLine = readCommandLine(args);
    if (commandLine.action === "version") return await exit(exitStatus.done, `${packageJson.version}\n`);
    if (commandLine.action === "help") {
      const { helpText } = await import("./settings/help.ts");
      return await exit(exitStatus.done, helpText(packageJson.version));
    }
    await run(commandLine, readConfig(given), given);
  } catch (error) {
    const cause = causeOf(error);
    if (!cause) throw error;
    stderr.writeLine(`lambda-runtime-init: ${messageOf(error)}\n`);
    await reportFault(given, { type: cause.type, reason: messageOf(error) });
    await exit(cause.status);
  }
}

/** What a failure of the preparation means: its fault type and init's exit status. `undefined`: nobody foresaw it. */
function causeOf(error: unknown): { readonly type: FaultType; readonly status: number } | undefined {
  const name = error instanceof Error ? error.name : "";
  if (name === "ConfigurationError") return { type: "Runtime.InvalidTaskConfig", status: exitStatus.badConfiguration };
  // By name: the module of one of them is not even loaded unless it is needed.
  const isPreparation = name === "CodeArchiveError" || name === "UserSwitchError";
  return isPreparation ? { type: "Sandbox.Failure", status: exitStatus.initFailed } : undefined;
}

/** Starts init anew in this process, with another environment: same pid, same descriptors 0 to 2. */
function restart(args: readonly string[], env: Readonly<Record<string, string>>): void {
  try {
    process.execve?.(process.execPath, [process.execPath, ...args], { ...env });
  } catch (error) {
    log.warn(`init runs with variables meant for Bun, restarting without them failed: ${messageOf(error)}`);
  }
}

/** Serves LocalStack until init fails or a signal comes. */
async function run(commandLine: CommandLine, config: Config, env: Variables): Promise<void> {
  setLogLevel(config.logLevel);
  let frontend: LocalStackFrontend | undefined;
  let xray: XRayDaemon | undefined;
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await frontend?.stop();
    await xray?.stop();
    await exit(frontend?.hasFailed ? exitStatus.initFailed : exitStatus.done);
  };
  // As PID 1 init would not even hear of a signal it has no handler for: also not while it prepares.
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());

  const bootstrap = await prepare(config, commandLine.command, systemClock);
  startReaping();
  const parts = compose(commandLine, config, env, bootstrap);
  const { environment, callbacks, runtimeApi } = parts;
  frontend = parts.frontend;
  try {
    listenAsGo("the Runtime API", commandLine.runtimeApi, (request) => runtimeApi.fetch(request));
    const started = frontend.start();
    // The runtime is starting: what it does not need to start is made ready meanwhile.
    callbacks.connect();
    const invokeApi = createInvokeApi({
      accept: (request) => parts.frontend.accept(request),
      maxPayloadBytes: config.maxPayloadBytes,
    });
    listen("the invoke server", { hostname: "0.0.0.0", port: config.invokePort }, (request) =>
      invokeApi.fetch(request),
    );
    // No runtime can have a segment to send so early; init's own start comes first.
    await settlesWithin(systemClock, headStartMs, started);
    if (config.localstackHostname !== "") xray = await startXRayDaemon(config);
    if (config.hotReloadingPaths.length > 0) await startHotReload(config, () => environment.reload());
    await started;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    log.error(error.message);
    await frontend.fail({ type: "Sandbox.Failure", reason: error.message });
  }
  if (frontend.hasFailed) await stop();
}

/** Milliseconds a runtime needs, at the very least, before it could use what init has to offer beside the Runtime API. */
const headStartMs = 3;

/** Takes X-Ray's segments to LocalStack. Loaded once the runtime is starting: it has nothing to send before. */
async function startXRayDaemon(config: Config): Promise<XRayDaemon> {
  const { startXRay } = await import("./xray/daemon.ts");
  return startXRay({
    address: `http://${config.localstackHostname}:${config.edgePort}`,
    region: config.region,
    credentials: config,
    clock: systemClock,
    sendTelemetry: config.xrayTelemetry === "1",
  });
}

/** Watches the code for as long as the process lives. Loaded only where it is asked for. */
async function startHotReload({ hotReloadingPaths, fileWatcherStrategy }: Config, reload: () => void): Promise<void> {
  const { watchForChanges } = await import("./hot-reload/watch.ts");
  const options = { paths: hotReloadingPaths, strategy: fileWatcherStrategy, clock: systemClock, onChange: reload };
  await watchForChanges(options).ready;
  log.debug("the code is being watched");
}

function compose(commandLine: CommandLine, config: Config, given: Variables, bootstrap: FoundBootstrap) {
  const clock = systemClock;
  const owner = new Owner(clock);
  const { hostname, port } = commandLine.runtimeApi;
  const callbacks = new Callbacks(config, clock);
  const telemetry = new TelemetryService(clock);
  const logs: LogStore = new SingleLog({ maxBytes: logBound(process.constrainedMemory()) });
  const areExtensionsOn = areExtensionsEnabled();
  const env = runtimeEnvironment(functionVariables(given, "localstack"), bootstrap.handler, `${hostname}:${port}`);
  const environment: Environment = new Environment({
    clock,
    plan: {
      bootstrap,
      env,
      findExtensions: () => (areExtensionsOn ? findExtensions() : []),
      extensionEnv: extensionEnvironment(env),
      extensionCwd: process.cwd(),
    },
    timeoutSeconds: config.timeoutSeconds,
    launch: owner.launch,
    endAll: owner.endAll,
    memory: owner.memory,
    events: newRecorder(config, logs, telemetry),
    onIdleFault: (fault) => frontend.reportIdleFault(fault),
  });
  const frontend: LocalStackFrontend = new LocalStackFrontend({
    environment,
    clock,
    callbacks,
    takeLogs: () => logs.take("").text(),
    maxPayloadBytes: config.maxPayloadBytes,
    postInvokeWaitMs: config.postInvokeWaitMs,
  });
  const runtimeApi = createRuntimeApi({
    host: environment,
    maxPayloadBytes: config.maxPayloadBytes,
    // The handler of the environment, not the one of the command line: `lifecycle.md` 2.3.
    registration: config,
    telemetry,
    areExtensionsEnabled: areExtensionsOn,
    runtimeApiPort: port,
  });
  return { environment, frontend, callbacks, runtimeApi };
}

function newRecorder(config: Config, logs: LogStore, telemetry: TelemetryService): Recorder {
  const facts: FunctionFacts = { ...config, instanceId: config.logStreamName };
  const isJsonFormat = config.logFormat.toUpperCase() === "JSON";
  const application = toApplicationLevel(config.applicationLogLevel) ?? "INFO";
  const format = isJsonFormat
    ? new JsonFormat(logs, facts, { application, system: config.systemLogLevel })
    : new TextFormat(logs, facts);
  const show = (chunk: Uint8Array) => stdout.forward(chunk);
  return new Recorder({ clock: systemClock, format, telemetry, facts, isJsonFormat, show, flushMs: telemetryFlushMs });
}

/** Milliseconds subscribers have to take what waits for them before they are told of a shutdown: a part of its budget. */
const telemetryFlushMs = 500;

/** Tells LocalStack why nothing was started, if it can be told. */
async function reportFault(env: Variables, fault: Fault): Promise<void> {
  const address = readCallbackAddress(env);
  if (address) await new Callbacks(address, systemClock).statusError(await newFaultBody(fault));
}

/** Ends the process, once what was written has left it. */
async function exit(status: number, lastWords = ""): Promise<void> {
  if (lastWords !== "") stdout.forward(Buffer.from(lastWords));
  await stdout.flush();
  await settlesWithin(systemClock, 1000, stderr.flushed);
  process.exit(status);
}

// A fault of our own must be seen, and must not take a working environment down with it.
process.on("uncaughtException", (error) => log.error("a fault inside init, please report this:", error));
process.on("unhandledRejection", (reason) => log.error("a fault inside init, please report this:", reason));

main().catch(async (error) => {
  log.error(`init cannot go on: ${messageOf(error)}`, error);
  await exit(exitStatus.initFailed);
});
