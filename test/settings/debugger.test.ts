import { expect, test } from "bun:test";
import { debuggerIn } from "../../src/settings/debugger.ts";

test.each([
  [{ AWS_LAMBDA_DEBUG_PORT: "5678" }, [], "AWS_LAMBDA_DEBUG_PORT"],
  [{ NODE_OPTIONS: "--enable-source-maps --inspect-brk" }, [], "--inspect in NODE_OPTIONS"],
  [{ NODE_OPTIONS: "--inspect=0.0.0.0:9229" }, [], "--inspect in NODE_OPTIONS"],
  [{ NODE_OPTIONS: "--inspect-wait=9229" }, [], "--inspect in NODE_OPTIONS"],
  [{ JAVA_TOOL_OPTIONS: "-agentlib:jdwp=transport=dt_socket,suspend=y" }, [], "jdwp in JAVA_TOOL_OPTIONS"],
  [{ _JAVA_OPTIONS: "-Xdebug -Xrunjdwp:transport=dt_socket" }, [], "jdwp in _JAVA_OPTIONS"],
  [{}, ["node", "--inspect", "app.js"], "--inspect in the command"],
  [{}, ["python3", "-m", "debugpy", "--listen", "5678", "--wait-for-client", "app.py"], "debugpy in the command"],
  [{}, ["/opt/debugpy/start", "x"], "debugpy in the command"],
  [{}, ["/usr/local/bin/dlv", "exec", "./bootstrap"], "dlv in the command"],
  [{}, ["java", "-agentlib:jdwp=transport=dt_socket", "Main"], "jdwp in the command"],
] as const)("%j and %j have a debugger: %s", (env, command, found) => {
  expect(debuggerIn(env, command)).toBe(found);
});

test.each([
  [{}, []],
  [{ AWS_LAMBDA_DEBUG_PORT: "" }, ["sh"]],
  [{ NODE_OPTIONS: "--inspect-publish-uid=http --max-old-space-size=512" }, ["node", "inspect.js"]],
  [{ JAVA_TOOL_OPTIONS: "-Djdwp=1" }, ["./dlvery", "my-debugpy-handler", "--inspector"]],
  [{ OTHER: "--inspect" }, ["bootstrap"]],
] as const)("%j and %j have none", (env, command) => {
  expect(debuggerIn(env, command)).toBeUndefined();
});
