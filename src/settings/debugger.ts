/** Whether somebody may be about to attach a debugger: a function that waits for one must not be cut off. */
import type { Variables } from "./setting.ts";

/** What starts a debugger, and what it is called in the sentence about it. */
const marks: readonly (readonly [name: string, mark: RegExp])[] = [
  ["--inspect", /(^|\s)--inspect(-brk|-wait)?(=|\s|$)/],
  ["debugpy", /(^|[\s/])debugpy([\s/]|$)/],
  ["jdwp", /(-agentlib:|-Xrun)jdwp\b/],
  ["dlv", /(^|[\s/])dlv(\s|$)/],
];

/** Variables whose text runtimes read as options. */
const optionVariables = [
  "NODE_OPTIONS",
  "JAVA_TOOL_OPTIONS",
  "JDK_JAVA_OPTIONS",
  "_JAVA_OPTIONS",
  "BUN_OPTIONS",
] as const;

/** LocalStack's debug mode: the port its debugger listens on. */
const portVariable = "AWS_LAMBDA_DEBUG_PORT";

/**
 * @param command the runtime's
 * @returns what was found, such as `--inspect in NODE_OPTIONS`; `undefined`: nothing
 */
export function debuggerIn(env: Variables, command: readonly string[]): string | undefined {
  if (env[portVariable]) return portVariable;
  const inCommand = markIn(command.join(" "));
  if (inCommand) return `${inCommand} in the command`;
  for (const variable of optionVariables) {
    const found = markIn(env[variable]);
    if (found) return `${found} in ${variable}`;
  }
  return undefined;
}

function markIn(text: string | undefined): string | undefined {
  if (!text) return undefined;
  // The name first: an expression is compiled when it is used, and most starts have nothing to test.
  return marks.find(([name, mark]) => text.includes(name) && mark.test(text))?.[0];
}
