/** The emulator: the function behind the Lambda API, on a developer's machine or in an image without LocalStack. */
import { isatty } from "node:tty";
import { sleep } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { AsyncEvents } from "../frontend/emulator/async-events.ts";
import { History } from "../frontend/emulator/history.ts";
import { createInvokeApi } from "../frontend/emulator/invoke-api.ts";
import { Invoker } from "../frontend/emulator/invoker.ts";
import { OriginRules } from "../frontend/emulator/origin.ts";
import { lazyPage } from "../frontend/emulator/page/lazy-page.ts";
import { defaultHostname, lookAround, type Surroundings, whyNotStartable } from "../frontend/emulator/surroundings.ts";
import { execLine, welcomeLines } from "../frontend/emulator/terminal.ts";
import { log, logLevels, setLogLevel } from "../log.ts";
import { type Listener, listenAsGo } from "../net/listener.ts";
import { startReaping } from "../process/reaper.ts";
import type { EmulatorCommandLine } from "../settings/emulator-flags.ts";
import { ConfigurationError } from "../settings/setting.ts";
import { stderr } from "../standard-streams.ts";
import { type EmulatedFunction, newEnvironments, readFunction } from "./emulated-function.ts";
import { type ExitStatus, exitStatus, type Program, whenStopped } from "./program.ts";

/** Milliseconds it takes at most until the answers that a stop has brought about are with the kernel. */
const farewellMs = 100;

/** Runs to the end. @throws {ConfigurationError} and {ListenError} for a start that failed */
export async function runEmulator(program: Program, commandLine: EmulatorCommandLine): Promise<ExitStatus> {
  const fn = await readFunction(program.given, commandLine);
  setLogLevel(fn.settings.logLevel);
  startReaping();
  if (commandLine.flags.event === undefined) return await serve(program, fn);
  const { callOnce } = await import("./one-call.ts");
  return await callOnce(program, fn, commandLine.flags.event);
}

async function serve(program: Program, fn: EmulatedFunction): Promise<ExitStatus> {
  const { clock, stdout } = program;
  const { flags } = fn.commandLine;
  const surroundings = lookAround(program.given, isatty(2));
  const history = flags.isUiOff ? undefined : new History(clock);
  const { capacity, measuredFor } = newEnvironments(program, fn, stdout, surroundings.isTerminal, () =>
    history?.loadChanged(capacity.load),
  );
  const invoker = new Invoker({ capacity, clock, history, isBandwidthLimited: flags.isBandwidthLimited });
  measuredFor(invoker);
  const asyncEvents = new AsyncEvents({
    invoker,
    clock,
    concurrency: capacity.load.concurrency,
    retryDelayMs: flags.eventRetryDelayMs,
  });
  const origins = new OriginRules(flags.cors);
  const { functionName } = fn.settings;
  const page =
    history &&
    lazyPage(async () => {
      const { createPage, savedEventsName } = await import("../frontend/emulator/page/page.ts");
      const savedEventsFile = `${process.cwd()}/${savedEventsName}`;
      const shown = { functionName, functionArn: fn.arn, savedEventsFile };
      return createPage({ history, capacity, invoker, asyncEvents, clock, origins, ...shown });
    });
  const app = createInvokeApi({
    invoker,
    asyncEvents,
    origins,
    identity: { ...fn.settings, isNameStrict: flags.isNameStrict },
    functionVersion: fn.settings.functionVersion,
    ...(page && { page }),
  });
  const hostname = flags.hostname ?? defaultHostname(surroundings);
  const fronts: Listener[] = [];
  try {
    await capacity.open();
    const front = listenAsGo("the Invoke API", { hostname, port: flags.port }, (request) => app.fetch(request));
    fronts.push(front);
    const url = await serveUrl(program, fn, hostname, invoker);
    if (url) fronts.push(url);
    tellStart(fn, surroundings, hostname, front.address.port, url?.address.port);
    const isManaged = fn.settings.maxConcurrency !== undefined;
    const init = flags.init ?? (surroundings.isTerminal || isManaged ? "eager" : "lazy");
    if (init === "eager") capacity.warm();
    const watching = flags.isWatching ? await startWatching(program, fn, () => capacity.reload()) : undefined;
    await whenStopped(program);
    watching?.stop();
  } finally {
    // In this order whoever waits is answered before the connection is closed.
    asyncEvents.stop();
    const isServing = invoker.isServing;
    await capacity.stop();
    if (isServing) await sleep(clock, farewellMs);
    await Promise.all(fronts.map((front) => front.stop()));
  }
  return exitStatus.done;
}

/** Loaded only where it is asked for. @throws {ListenError} */
async function serveUrl(
  { clock }: Program,
  { arn, commandLine: { flags } }: EmulatedFunction,
  hostname: string,
  invoker: Invoker,
): Promise<Listener | undefined> {
  if (!flags.functionUrl) return undefined;
  const { mode, cors, port } = flags.functionUrl;
  const [{ FunctionUrl }, { listenNode }] = await Promise.all([
    import("../frontend/emulator/function-url.ts"),
    import("../net/node-listener.ts"),
  ]);
  let url: InstanceType<typeof FunctionUrl> | undefined;
  const listener = await listenNode("the Function URL", { hostname, port }, (request, raw) =>
    url ? url.fetch(request, raw) : new Response(null, { status: 503 }),
  );
  url = new FunctionUrl({ invoker, clock, mode, cors, functionArn: arn, port: listener.address.port });
  return listener;
}

/** Once the ports answer: what is to be called here, and whatever will keep it from working. */
function tellStart(
  { bootstrap, settings, variables, isSearched, limits, commandLine: { flags } }: EmulatedFunction,
  { isTerminal }: Surroundings,
  hostname: string,
  port: number,
  functionUrlPort: number | undefined,
): void {
  const tell = (line: string) => {
    if (log.level >= logLevels.info) stderr.writeLine(`${line}\n`);
  };
  const { command, cwd } = bootstrap;
  const problem = whyNotStartable(command[0] ?? "", variables.PATH ?? "", isSearched);
  if (problem) log.error(problem);
  if (limits.notice) tell(limits.notice);
  if (isTerminal) {
    const hasPage = !flags.isUiOff;
    const { functionName } = settings;
    for (const line of welcomeLines({ functionName, hostname, port, hasPage, functionUrlPort })) tell(line);
    return;
  }
  if (flags.port === 0) tell(`the Invoke API listens on ${hostname}:${port}`);
  if (flags.functionUrl?.port === 0) tell(`the Function URL listens on ${hostname}:${functionUrlPort}`);
  tell(execLine({ command, cwd, isSearched }, new Date()));
}

/** Loaded only where it is asked for. */
async function startWatching({ clock }: Program, fn: EmulatedFunction, reload: () => void): Promise<{ stop(): void }> {
  const { variables, bootstrap } = fn;
  const { envFiles } = fn.commandLine.flags;
  const path = variables.LAMBDA_TASK_ROOT || bootstrap.cwd;
  if (path === "/") {
    throw new ConfigurationError("--watch watches the working directory, which is /: start in the function's own");
  }
  const [{ watchForChanges }, { isOfSavedEvents }] = await Promise.all([
    import("../hot-reload/watch.ts"),
    import("../frontend/emulator/page/saved-events.ts"),
  ]);
  const onChange = async (changed: string) => {
    try {
      await fn.readVariables();
    } catch (error) {
      log.error(`${messageOf(error)}; the function keeps the variables it had`);
    }
    reload();
    log.info(`${changed} changed: the next call runs the new code`);
  };
  const watching = watchForChanges({
    paths: [path, ...envFiles],
    // The page writes them beside the code, of which they are no part.
    isIgnored: isOfSavedEvents,
    strategy: "auto",
    clock,
    onChange,
  });
  await watching.ready;
  return watching;
}
