/** Builds one environment with all that belongs to it. Several can live in one program and know nothing of each other. */
import type { Clock } from "../clock.ts";
import { Environment } from "../environment/environment.ts";
import type { Policy } from "../environment/policy.ts";
import { extensionEnvironment, runtimeEnvironment } from "../environment/variables.ts";
import type { Fault } from "../errors.ts";
import { type Address, listenAsGo } from "../net/listener.ts";
import type { FoundBootstrap } from "../prepare/bootstrap.ts";
import { areExtensionsEnabled, findExtensions } from "../prepare/extension-files.ts";
import { Owner } from "../process/owner.ts";
import { createRuntimeApi } from "../runtime-api/app.ts";
import { credentialsPath } from "../runtime-api/credentials-routes.ts";
import type { Credentials, Secret } from "../runtime-api/routes.ts";
import type { Config } from "../settings/settings.ts";
import { toApplicationLevel } from "../telemetry/log/json-levels.ts";
import { type LogText, logBound } from "../telemetry/log/log-buffer.ts";
import { JsonFormat, TextFormat } from "../telemetry/log/log-format.ts";
import { type LogStore, SingleLog, SortedLogs } from "../telemetry/log/log-store.ts";
import { Recorder, type RecorderOptions } from "../telemetry/recorder.ts";
import type { FunctionFacts } from "../telemetry/records.ts";
import { TelemetryService } from "../telemetry/subscribers/service.ts";

/** What is known of the function. */
export type FunctionSettings = Pick<
  Config,
  | "accessKeyId"
  | "accountId"
  | "applicationLogLevel"
  | "availabilityZoneId"
  | "functionName"
  | "functionVersion"
  | "initializationType"
  | "logFormat"
  | "logStreamName"
  | "maxPayloadBytes"
  | "memorySizeMb"
  | "secretAccessKey"
  | "sessionToken"
  | "systemLogLevel"
  | "timeoutSeconds"
>;

export interface EnvironmentParts {
  readonly clock: Clock;
  readonly settings: FunctionSettings;
  readonly policy: Policy;
  readonly bootstrap: FoundBootstrap;
  /** The variables the function's processes are to have, before what the environment adds; asked for at each start. */
  readonly variables: () => Readonly<Record<string, string>>;
  /** The handler extensions are told. */
  readonly handler: string;
  /** Where its Runtime API is to listen; port 0: any free one. */
  readonly runtimeApi: Address;
  /** Whether what is billed includes init, as on AWS since August 2025. */
  readonly billsInit?: boolean;
  /** Shows lines of the log that are not the function's: START, END, REPORT, … */
  readonly showLine?: (text: string) => void;
  /** Shows output as it is. */
  readonly show: (chunk: Uint8Array) => Promise<void> | undefined;
  readonly onMeasured?: RecorderOptions["onMeasured"];
  readonly onExtensionsFinished?: RecorderOptions["onExtensionsFinished"];
  readonly onIdleFault: (fault: Fault) => void;
  readonly onEnd?: () => void;
}

/** An environment, its Runtime API, its processes, its log. */
export interface BuiltEnvironment extends AsyncDisposable {
  readonly environment: Environment;
  /** Where its Runtime API listens. */
  readonly runtimeApi: Address;
  /** The log since the last call, as far as it is this invocation's. */
  takeLogs(requestId: string): LogText;
}

/** Milliseconds subscribers have to take what waits for them before they are told of a shutdown: a part of its budget. */
const telemetryFlushMs = 500;

/**
 * Nothing is started yet: `environment.init()` does that. Disposing of it ends its processes and frees its port.
 * @throws {ListenError}
 */
export function newEnvironment(parts: EnvironmentParts): BuiltEnvironment {
  const { clock, settings, policy, bootstrap, variables, handler, onIdleFault, onEnd, showLine } = parts;
  const owner = new Owner(clock);
  const isManaged = !policy.hasInvokeEvents;
  const telemetry = new TelemetryService(clock, { isManaged });
  const logOptions = { maxBytes: logBound(process.constrainedMemory()), ...(showLine && { showLine }) };
  const logs = isManaged ? new SortedLogs(logOptions) : new SingleLog(logOptions);
  const areExtensionsOn = areExtensionsEnabled();
  // Its address is in the environment of the processes, and the app wants what starts them.
  let app: ReturnType<typeof createRuntimeApi> | undefined;
  const listener = listenAsGo("the Runtime API", parts.runtimeApi, (request) => {
    app ??= newApp();
    return app.fetch(request);
  });
  const { hostname, port } = listener.address;

  const apiAddress = `${hostname}:${port}`;
  const zoneId = { token: crypto.randomUUID(), value: settings.availabilityZoneId };
  const credentials = credentialsOf(settings);
  const endpoints = {
    runtimeApi: apiAddress,
    metadataToken: zoneId.token,
    credentials: credentials && { url: `http://${apiAddress}${credentialsPath}`, token: credentials.token },
  };
  const environment = new Environment({
    clock,
    policy,
    plan: {
      bootstrap,
      get env() {
        return runtimeEnvironment(variables(), bootstrap.handler, endpoints);
      },
      findExtensions: () => (areExtensionsOn ? findExtensions() : []),
      get extensionEnv() {
        return extensionEnvironment(this.env);
      },
      extensionCwd: process.cwd(),
    },
    timeoutSeconds: settings.timeoutSeconds,
    launch: owner.launch,
    endAll: owner.endAll,
    memory: owner.memory,
    events: newRecorder(parts, logs, telemetry),
    onIdleFault,
    ...(onEnd && { onEnd }),
  });
  const newApp = () =>
    createRuntimeApi({
      host: environment,
      maxPayloadBytes: settings.maxPayloadBytes,
      registration: { ...settings, handler },
      telemetry,
      areExtensionsEnabled: areExtensionsOn,
      runtimeApiPort: port,
      isManaged,
      zoneId,
      credentials,
    });
  // While the processes start, which is before they call.
  setImmediate(() => {
    app ??= newApp();
  });

  return {
    environment,
    runtimeApi: listener.address,
    takeLogs: (requestId) => logs.take(requestId),
    async [Symbol.asyncDispose]() {
      await environment.stop();
      owner.dispose();
      await listener.stop();
    },
  };
}

/** Keys are no part of a snapshot: a function that has one asks for them, as on AWS. */
function credentialsOf(settings: FunctionSettings): Secret<Credentials> | undefined {
  const isKnown = settings.accessKeyId !== "" && settings.secretAccessKey !== "";
  if (settings.initializationType !== "snap-start" || !isKnown) return undefined;
  return { token: crypto.randomUUID(), value: settings };
}

function newRecorder(parts: EnvironmentParts, logs: LogStore, telemetry: TelemetryService): Recorder {
  const { clock, settings, policy, show, billsInit = false } = parts;
  const facts: FunctionFacts = {
    ...settings,
    instanceId: settings.logStreamName,
    isManaged: telemetry.isManaged,
    billsInit,
  };
  const isJsonFormat = settings.logFormat.toUpperCase() === "JSON";
  const application = toApplicationLevel(settings.applicationLogLevel) ?? "INFO";
  const format = isJsonFormat
    ? new JsonFormat(logs, facts, { application, system: settings.systemLogLevel })
    : new TextFormat(logs, facts, { initReports: policy.hasInitReports });
  const { onMeasured, onExtensionsFinished } = parts;
  return new Recorder({
    clock,
    format,
    telemetry,
    facts,
    isJsonFormat,
    show,
    flushMs: telemetryFlushMs,
    ...(onMeasured && { onMeasured }),
    ...(onExtensionsFinished && { onExtensionsFinished }),
  });
}
