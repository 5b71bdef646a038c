/** Init of a LocalStack container: serves LocalStack until the start fails, or until it is asked to stop. */
import { type Clock, settlesWithin, sleep } from "../clock.ts";
import { type FaultType, messageOf } from "../errors.ts";
import { Callbacks } from "../frontend/localstack/callbacks.ts";
import { LocalStackFrontend, stopBudgetMs } from "../frontend/localstack/frontend.ts";
import { createInvokeApi } from "../frontend/localstack/invoke-api.ts";
import { newFaultBody } from "../frontend/localstack/results.ts";
import { log, setLogLevel } from "../log.ts";
import { ListenError, listen } from "../net/listener.ts";
import { prepare } from "../prepare/prepare.ts";
import { startReaping } from "../process/reaper.ts";
import type { CommandLine } from "../settings/command-line.ts";
import { debuggerIn } from "../settings/debugger.ts";
import { functionVariables } from "../settings/function-variables.ts";
import { initProtocol } from "../settings/init-protocol.ts";
import { type Config, readCallbackAddress, readConfig } from "../settings/settings.ts";
import { stderr } from "../standard-streams.ts";
import { startXRay, type XRayDaemon } from "../xray/daemon.ts";
import { newEnvironment } from "./environment.ts";
import { localstackPolicy } from "./localstack-policy.ts";
import { type ExitStatus, exitStatus, type Program, whenStopped } from "./program.ts";

/**
 * After a failed start init stays so long, serving nothing: LocalStack looks at the container after it has started it, and
 * one that is gone hides the reason.
 */
const stayMs = 10_000;

/** Milliseconds the start waits, at most, for what init has to offer beside the Runtime API. */
const extrasMs = 1000;

/** Runs to the end. What it throws is a failed start. */
export async function runLocalStack(program: Program, commandLine: CommandLine): Promise<ExitStatus> {
  const { given, clock, stdout } = program;
  const config = readConfig(given);
  setLogLevel(config.logLevel);
  const stopped = whenStopped(program);
  const prepared = prepare(config, commandLine.command, clock);
  const bootstrap = await Promise.race([prepared, stopped]);
  if (!bootstrap) return exitStatus.done;
  startReaping();

  const debugger_ = debuggerIn(given, commandLine.command);
  const protocol = initProtocol(config, debugger_);
  /** The environment has ended by itself: managed instances are not repaired. */
  const ended = Promise.withResolvers<"ended">();
  let hasEnded = false;
  const variables = functionVariables(given, "localstack");
  const built = newEnvironment({
    clock,
    settings: config,
    policy: localstackPolicy(config, protocol, debugger_),
    bootstrap,
    variables: () => variables,
    // The handler of the environment, not the one of the command line: `docs/contract/lifecycle.md` 2.3.
    handler: config.handler,
    runtimeApi: commandLine.runtimeApi,
    show: (chunk) => stdout.forward(chunk),
    onIdleFault: (fault) => frontend.reportIdleFault(fault),
    onEnd: () => ended.resolve("ended"),
  });
  const { environment } = built;
  const initialized = environment.init();
  // The runtime is starting: what it does not need to start is made ready meanwhile.
  const callbacks = new Callbacks(config, clock);
  callbacks.connect();
  const extrasAreThere = Promise.withResolvers<void>();
  const frontend: LocalStackFrontend = new LocalStackFrontend({
    environment,
    clock,
    callbacks,
    takeLogs: (requestId) => built.takeLogs(requestId),
    initFailure: protocol.failure,
    initializationType: config.initializationType,
    beforeReady: () => settlesWithin(clock, extrasMs, extrasAreThere.promise),
    maxPayloadBytes: config.maxPayloadBytes,
    postInvokeWaitMs: config.postInvokeWaitMs,
  });
  const started = frontend.start(initialized);
  let xray: XRayDaemon | undefined;
  const startExtras = async (): Promise<void> => {
    serveInvocations(config, frontend);
    // X-Ray first: a segment that finds no port is lost, a change of the code comes later anyway.
    if (config.localstackHostname !== "") xray = startXRayDaemon(config, clock);
    await xray?.ready;
    extrasAreThere.resolve();
    if (config.hotReloadingPaths.length > 0) await startHotReload(config, program, () => environment.reload());
  };
  const extras = startExtras();
  try {
    await Promise.race([started, extras.then(() => started), stopped]);
  } catch (error) {
    if (error instanceof ListenError) log.error(error.message);
    else log.error("the start failed inside init, please report this:", error);
    await frontend.fail({ type: "Sandbox.Failure", reason: messageOf(error) });
  }
  // There is nobody to stay for where LocalStack cannot be reached.
  if (frontend.startState === "failed") await stay(program);
  else if (frontend.startState !== "unreachable") hasEnded = (await Promise.race([stopped, ended.promise])) === "ended";
  // X-Ray's last segments come from processes that end.
  const xrayStopped = environment.stop().then(() => xray?.stop());
  await settlesWithin(clock, stopBudgetMs, Promise.all([frontend.stop(), xrayStopped]));
  return hasEnded || hasFailed(frontend) ? exitStatus.failed : exitStatus.done;
}

function hasFailed({ startState }: LocalStackFrontend): boolean {
  return startState === "failed" || startState === "unreachable";
}

/** @throws {ListenError} */
function serveInvocations({ invokePort, maxPayloadBytes }: Config, frontend: LocalStackFrontend): void {
  // LocalStack's first request comes when it was told that the environment is ready: until then there is other work.
  let invokeApi: ReturnType<typeof createInvokeApi> | undefined;
  listen("the invoke server", { hostname: "0.0.0.0", port: invokePort }, (request) => {
    invokeApi ??= createInvokeApi({ accept: (invocation) => frontend.accept(invocation), maxPayloadBytes });
    return invokeApi.fetch(request);
  });
}

/** Takes X-Ray's segments to LocalStack. */
function startXRayDaemon(config: Config, clock: Clock): XRayDaemon {
  return startXRay({
    address: `http://${config.localstackHostname}:${config.edgePort}`,
    region: config.region,
    credentials: config,
    clock,
    sendTelemetry: config.xrayTelemetry === "1",
  });
}

/** Watches the code until the program is asked to stop. Loaded only where it is asked for. */
async function startHotReload(config: Config, { clock, stopSignal }: Program, reload: () => void): Promise<void> {
  const { watchForChanges } = await import("../hot-reload/watch.ts");
  const { hotReloadingPaths: paths, fileWatcherStrategy: strategy } = config;
  await watchForChanges({ paths, strategy, clock, onChange: reload, signal: stopSignal }).ready;
  if (!stopSignal.aborted) log.debug("the code is being watched");
}

/** Tells LocalStack why nothing was started, if it is known where. @returns the exit status it means */
export async function failStart(program: Program, error: unknown): Promise<ExitStatus> {
  const { type, status } = causeOf(error);
  stderr.writeLine(`lambda-runtime-init: ${messageOf(error)}\n`);
  const address = readCallbackAddress(program.given);
  if (!address) return status;
  const telling = new Callbacks(address, program.clock).startError(
    await newFaultBody({ type, reason: messageOf(error) }),
  );
  const isTimeUp = whenStopped(program).then(() => sleep(program.clock, stopBudgetMs));
  if ((await Promise.race([telling, isTimeUp])) !== "unreachable") await stay(program);
  return status;
}

/** What a failure of the start means: its fault type and init's exit status. */
function causeOf(error: unknown): { readonly type: FaultType; readonly status: ExitStatus } {
  const isBadSetting = error instanceof Error && error.name === "ConfigurationError";
  if (isBadSetting) return { type: "Runtime.InvalidTaskConfig", status: exitStatus.badConfiguration };
  return { type: "Sandbox.Failure", status: exitStatus.failed };
}

/** Serves nothing until init is asked to stop, or for as long as LocalStack may need to look. */
async function stay(program: Program): Promise<void> {
  await settlesWithin(program.clock, stayMs, whenStopped(program));
}
