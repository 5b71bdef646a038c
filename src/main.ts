/** What runs, and with which exit status. Only here: `process.env`, `process.exit`, `process.on`. */

// Before everything else: from here on signals are heard.
import "./process/signals.ts";
import packageJson from "../package.json" with { type: "json" };
import { settlesWithin, systemClock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { log } from "./log.ts";
import { failStart, runLocalStack } from "./modes/localstack.ts";
import { type ExitStatus, exitStatus, type Program } from "./modes/program.ts";
import { ignoreDeadlySignals } from "./process/ignored-signals.ts";
import { killAllFamilies } from "./process/ownership.ts";
import { onSecondInterrupt, stopSignal } from "./process/signals.ts";
import { readCommandLine } from "./settings/command-line.ts";
import { cleanEnvironment } from "./settings/hostile-variables.ts";
import { chooseMode } from "./settings/mode.ts";
import { stderr } from "./standard-streams.ts";
import { StdoutForwarder } from "./telemetry/stdout.ts";

const stdout = new StdoutForwarder(systemClock);

/** What shells tell of a process that SIGINT has ended. */
const interruptedStatus = 130;

async function main(): Promise<ExitStatus> {
  const { given, restartWith, withhold } = cleanEnvironment(process.env);
  const args = process.argv.slice(2);
  if (restartWith) restart(args, restartWith);
  for (const name of withhold) delete process.env[name];

  ignoreDeadlySignals();
  onSecondInterrupt(() => {
    killAllFamilies();
    process.exit(interruptedStatus);
  });
  const program: Program = { given, clock: systemClock, stdout, stopSignal };
  try {
    if (chooseMode(given) === "emulator") return await emulate(program, args);
    const commandLine = readCommandLine(args);
    if (commandLine.action !== "run") return await tell(commandLine.action);
    return await runLocalStack(program, commandLine);
  } catch (error) {
    return await failStart(program, error);
  }
}

/** Loaded only where it runs: a start in LocalStack must not wait for it. */
async function emulate(program: Program, args: readonly string[]): Promise<ExitStatus> {
  const { readEmulatorCommandLine } = await import("./settings/emulator-flags.ts");
  const commandLine = readEmulatorCommandLine(args, program.given);
  const { action, command, installInto: into } = commandLine;
  if (action !== "run") return await tell(action);
  if (into !== undefined) {
    const { installForLocalStack } = await import("./modes/install.ts");
    const { version } = packageJson;
    return installForLocalStack(program, { into, command, version, executable: process.execPath });
  }
  const { runEmulator } = await import("./modes/emulator.ts");
  return await runEmulator(program, commandLine);
}

async function tell(what: "help" | "version" | "licenses"): Promise<ExitStatus> {
  if (what === "version") return show(`${packageJson.version}\n`);
  if (what === "licenses") {
    const { showThirdPartyNotices } = await import("./settings/licences.ts");
    await showThirdPartyNotices();
    return exitStatus.done;
  }
  const { helpText } = await import("./settings/help.ts");
  return show(helpText(packageJson.version));
}

/** Starts init anew in this process, with another environment: same pid, same descriptors 0 to 2. */
function restart(args: readonly string[], env: Readonly<Record<string, string>>): void {
  try {
    process.execve?.(process.execPath, [process.execPath, ...args], { ...env });
  } catch (error) {
    log.warn(`init runs with variables meant for Bun, restarting without them failed: ${messageOf(error)}`);
  }
}

function show(text: string): ExitStatus {
  stdout.forward(Buffer.from(text));
  return exitStatus.done;
}

/** Ends the process, once what was written has left it. */
async function exit(status: ExitStatus): Promise<void> {
  await stdout.flush();
  await settlesWithin(systemClock, 1000, stderr.flushed);
  process.exit(status);
}

// A fault of our own must be seen, and must not take a working environment down with it.
process.on("uncaughtException", (error) => log.error("a fault inside init, please report this:", error));
process.on("unhandledRejection", (reason) => log.error("a fault inside init, please report this:", reason));

main().then(exit, async (error) => {
  log.error(`init cannot go on: ${messageOf(error)}`, error);
  await exit(exitStatus.failed);
});
