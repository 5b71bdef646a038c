/** What a person, or a program that waits for us, sees (docs/contract/emulator.md 1.7 and 7). */

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** What is started, as AWS's emulator tells it. */
export interface StartedCommand {
  readonly command: readonly string[];
  readonly cwd: string;
  /** Whether the command was looked for in the places of a bootstrap. */
  readonly isSearched: boolean;
}

/**
 * The line that programs wait for before their first request: by its words (Testcontainers), or whole.
 * The handler in it is the last argument, whichever variable wins.
 */
export function execLine({ command, cwd, isSearched }: StartedCommand, now: Date): string {
  const [program = ""] = command;
  const handler = isSearched || command.length < 2 ? "" : command.at(-1);
  return `${toEmulatorTime(now)} [INFO] (rapid) exec '${program}' (cwd=${cwd}, handler=${handler})`;
}

/** `25 Nov 2026 09:18:20,526`, in local time. */
function toEmulatorTime(now: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${two(now.getDate())} ${months[now.getMonth()]} ${now.getFullYear()}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `${day} ${time},${String(now.getMilliseconds()).padStart(3, "0")}`;
}

export interface Welcome {
  readonly functionName: string;
  /** As it is listened on: `0.0.0.0` is every address of this machine. */
  readonly hostname: string;
  readonly port: number;
  readonly hasPage: boolean;
  readonly functionUrlPort: number | undefined;
}

/** For a person: at most five lines. */
export function welcomeLines({ functionName, hostname, port, hasPage, functionUrlPort }: Welcome): string[] {
  const base = (ofPort: number) => `http://${reachable(hostname)}:${ofPort}`;
  const path = `/2015-03-31/functions/${functionName}/invocations`;
  return [
    `${functionName} answers at ${base(port)} (SDKs: endpoint ${base(port)})`,
    `  curl -d '{}' ${base(port)}${path}`,
    ...(hasPage ? [`  page         ${base(port)}/`] : []),
    ...(functionUrlPort === undefined ? [] : [`  Function URL ${base(functionUrlPort)}/`]),
  ];
}

/** An address a client on this machine can use. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0" || hostname === "::" || hostname === "") return "localhost";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

const colours = { red: "\x1b[31m", green: "\x1b[32m", dim: "\x1b[2m", reset: "\x1b[0m" } as const;

/**
 * The platform's lines on a terminal: REPORT alone, in colour, and what failed. START and END say nothing to a person.
 * @param text whole lines, with their newlines
 * @param prefix names the environment, where there are several
 */
export function paintPlatformLines(text: string, prefix = ""): string {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("START ") && !line.startsWith("END "))
    .map((line) => `${prefix}${paint(line)}\n`)
    .join("");
}

function paint(line: string): string {
  const isReport = line.startsWith("REPORT ");
  const hasFailed = !isReport || /\tStatus: /.test(line);
  const shown = isReport ? line.trimEnd().replaceAll("\t", "  ") : line;
  return `${hasFailed ? colours.red : colours.green}${shown}${colours.reset}`;
}

/**
 * REPORT with its END apart from whatever else is to be written: SAM CLI looks for it in a piece that has at most one line
 * in front of it, and waits for a second where it does not find it (docs/contract/emulator.md 1.9).
 */
export function withReportApart(text: string): string[] {
  const at = text.search(/^END RequestId: .*\nREPORT /m);
  return at > 0 ? [text.slice(0, at), text.slice(at)] : [text];
}

/** Puts a prefix in front of each line of one environment's output, as it comes. */
export class LinePrefix {
  #isAtLineStart = true;

  /** @param prefix empty: none is wanted now */
  apply(chunk: Uint8Array, prefix: string): Uint8Array {
    const wasAtLineStart = this.#isAtLineStart;
    this.#isAtLineStart = chunk.at(-1) === newline;
    if (prefix === "") return chunk;
    const text = Buffer.from(chunk).toString("latin1");
    const marked = text.replaceAll(/\n(?=[\s\S])/g, `\n${prefix}`);
    return Buffer.from(wasAtLineStart ? prefix + marked : marked, "latin1");
  }
}

const newline = 0x0a;

/** The number of an environment in front of its output; nothing where there is only one. */
export function environmentPrefix(slot: number, environments: number): string {
  return environments > 1 ? `${colours.dim}[${slot + 1}]${colours.reset} ` : "";
}
