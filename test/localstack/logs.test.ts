/** The log of a function in LocalStack: at its caller, and in CloudWatch. */
import { describe, expect, test } from "bun:test";
import { createFunction, invoke, isInside, logsOf, sharedLocalStack, until } from "./support/functions.ts";

const { aws } = isInside ? sharedLocalStack() : { aws: undefined as never };

/** Writes numbered lines with both streams in turn, as the last thing before it answers. */
const writes = `import sys
def handler(event, context):
  for n in range(event["lines"]):
    (sys.stdout if n % 2 else sys.stderr).write(f"{context.aws_request_id} line {n}\\n")
    (sys.stdout if n % 2 else sys.stderr).flush()
  return event["lines"]
`;

const linesOf = (requestId: string, count: number) => Array.from({ length: count }, (_, n) => `${requestId} line ${n}`);

describe.skipIf(!isInside)("the log", () => {
  test("tail has START, each line in its order, END and REPORT, and nothing of another invocation", async () => {
    const name = await createFunction(aws, { code: writes });
    for (let round = 0; round < 10; round++) {
      const { log, requestId } = await invoke(aws, name, { lines: 10 });
      const lines = log.split("\n");
      expect(lines.slice(0, -2)).toEqual([
        `START RequestId: ${requestId} Version: $LATEST`,
        ...linesOf(requestId, 10),
        `END RequestId: ${requestId}`,
      ]);
      const init = round === 0 ? "\\tInit Duration: [\\d.]+ ms" : "";
      const size = "Memory Size: 128 MB\\tMax Memory Used: \\d+ MB";
      expect(lines.at(-2)).toMatch(
        new RegExp(
          `^REPORT RequestId: ${requestId}\\tDuration: [\\d.]+ ms\\tBilled Duration: \\d+ ms\\t${size}${init}\\t$`,
        ),
      );
      expect(lines.at(-1)).toBe("");
    }
  });

  test("tail has the last 4 KB of a long log", async () => {
    const name = await createFunction(aws, { code: writes });
    const { log, requestId } = await invoke(aws, name, { lines: 1000 });
    expect(Buffer.byteLength(log)).toBe(4096);
    expect(log).toContain(`${requestId} line 999\nEND RequestId: ${requestId}\nREPORT RequestId: ${requestId}\t`);
  });

  test("in CloudWatch has every line of every invocation, in order", async () => {
    const name = await createFunction(aws, { code: writes });
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) ids.push((await invoke(aws, name, { lines: 300 })).requestId);
    const isFunctions = (line: string) => / line \d+$/.test(line);
    await until("the last REPORT is in CloudWatch", async () =>
      (await logsOf(aws, name)).some((log) => log.includes(`REPORT RequestId: ${ids.at(-1)}`)),
    );
    const logs = await logsOf(aws, name);
    expect(logs).toHaveLength(1);
    expect(logs[0]?.split("\n").filter(isFunctions)).toEqual(ids.flatMap((id) => linesOf(id, 300)));
  });

  test("in JSON, where the function asks for it, has AWS's records", async () => {
    const LoggingConfig = { LogFormat: "JSON", ApplicationLogLevel: "INFO", SystemLogLevel: "INFO" };
    const name = await createFunction(aws, { code: writes, more: { LoggingConfig } });
    const { log, requestId } = await invoke(aws, name, { lines: 2 });
    const lines = log.trim().split("\n");
    expect(lines.filter((line) => line.endsWith(" line 0") || line.endsWith(" line 1"))).toEqual(linesOf(requestId, 2));
    const records = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    expect(records.filter(({ type }) => type === "platform.start" || type === "platform.report")).toMatchObject([
      { type: "platform.start", record: { requestId, version: "$LATEST" } },
      { type: "platform.report", record: { requestId, status: "success" } },
    ]);
  });
});
