/** `--event`: one call, its result on stdout, everything else on stderr; the exit status tells how it went. */
import fs from "node:fs";
import { messageOf } from "../errors.ts";
import { Invoker } from "../frontend/emulator/invoker.ts";
import { invokeOnce } from "../frontend/emulator/one-shot.ts";
import { ConfigurationError } from "../settings/setting.ts";
import { stderr } from "../standard-streams.ts";
import { StdoutForwarder } from "../telemetry/stdout.ts";
import { type EmulatedFunction, newEnvironments } from "./emulated-function.ts";
import { type ExitStatus, exitStatus, type Program, whenStopped } from "./program.ts";

/** @param source a file, or `-` for standard input */
export async function callOnce(program: Program, fn: EmulatedFunction, source: string): Promise<ExitStatus> {
  const { clock, stdout } = program;
  const event = await readEvent(source);
  const { capacity } = newEnvironments(program, fn, new StdoutForwarder(clock, stderr), false);
  const invoker = new Invoker({ capacity, clock, history: undefined });
  try {
    await capacity.open();
    const result = await Promise.race([invokeOnce({ invoker, functionArn: fn.arn, event }), whenStopped(program)]);
    if (!result) return exitStatus.failed;
    stdout.forwardLine(`${Buffer.from(result.body)}\n`);
    return result.hasFailed ? exitStatus.failed : exitStatus.done;
  } finally {
    await capacity.stop();
  }
}

/** @throws {ConfigurationError} if there is no JSON text to be had */
async function readEvent(source: string): Promise<string> {
  const name = source === "-" ? "standard input" : source;
  let text: string;
  try {
    text = source === "-" ? await Bun.stdin.text() : fs.readFileSync(source, "utf8");
  } catch (error) {
    throw new ConfigurationError(`--event: ${name} cannot be read: ${messageOf(error)}`);
  }
  if (text.trim() === "") return "{}";
  try {
    JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(`--event: ${name} is no JSON: ${messageOf(error)}`);
  }
  return text;
}
