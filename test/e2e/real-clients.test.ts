/** The runtime clients AWS publishes, unmodified, against the binary. */
import { afterEach, describe, expect, test } from "bun:test";
import { type Client, newPythonClient, nodeClient, powertools, pythonClient, whyMissing } from "./support/clients.ts";
import { fixture, type Init, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

interface Subject {
  readonly client: Client;
  readonly handlers: string;
  readonly missing: string;
  readonly exits: string;
  /** What the client itself reports of the handler's error, and of the import that fails. */
  readonly handlerError: string;
  readonly importError: string;
}

const subjects: Subject[] = [
  {
    client: nodeClient,
    handlers: "node-handlers",
    missing: "imports-what-is-missing",
    exits: "exits-at-import",
    handlerError: "RangeError",
    importError: "Error",
  },
  {
    client: pythonClient,
    handlers: "python-handlers",
    missing: "imports_what_is_missing",
    exits: "exits_at_import",
    handlerError: "ValueError",
    importError: "Runtime.ImportModuleError",
  },
];

function start({ client, handlers }: Subject, handler: string): Init {
  const directory = fixture(handlers);
  return startInit(client.command(client.directory, `${handler}.handler`), {
    cwd: directory,
    env: {
      ...client.env(client.directory),
      LAMBDA_TASK_ROOT: directory,
      _HANDLER: `${handler}.handler`,
      AWS_EXECUTION_ENV: "AWS_Lambda_rapid",
    },
  });
}

for (const subject of subjects) {
  const missing = whyMissing(subject.client);
  describe.skipIf(missing !== undefined)(`${subject.client.name}${missing ? `: ${missing}` : ""}`, () => {
    test("a good handler answers one invocation after another", async () => {
      const init = start(subject, "good");
      for (const n of [1, 2, 3]) {
        const { kind, body, logs, id } = await init.invoke(`{"n":${n}}`);
        const arn = "arn:aws:lambda:us-east-1:000000000000:function:fn";
        expect({ kind, body: JSON.parse(body) }).toEqual({ kind: "response", body: { n, count: n, id, arn } });
        expect(logs).toMatch(
          new RegExp(`START RequestId: ${id} [^\\n]*\\n(.*\\n)*.*handling ${n}\\n(.*\\n)*END RequestId: ${id}\\n`),
        );
      }
    });

    test("a handler's error is the result, and the same process goes on", async () => {
      const init = start(subject, "fails");
      for (let round = 0; round < 2; round++) {
        const { kind, body } = await init.invoke("{}");
        expect(kind).toBe("error");
        expect(JSON.parse(body)).toMatchObject({ errorType: subject.handlerError });
      }
      expect(init.double.callbacks.filter(({ kind }) => kind.includes("status"))).toEqual([]);
    });

    test("an import error is the client's own report, once, with requestId", async () => {
      const init = start(subject, subject.missing);
      expect(await init.exited()).toBe(1);
      expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
      const told = JSON.parse(init.double.callbacks[0]?.text ?? "");
      expect(told).toMatchObject({ requestId: "" });
      expect(told.errorType).toContain(subject.importError);
      expect(told.errorMessage).toMatch(/no.such.module/);
    });

    test("an exit at import is reported as an exit, once", async () => {
      const init = start(subject, subject.exits);
      expect(await init.exited()).toBe(1);
      expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
      expect(JSON.parse(init.double.callbacks[0]?.text ?? "").errorMessage).toEndWith(
        "Error: Runtime exited with error: exit status 17",
      );
    });
  });
}

const missing = whyMissing(nodeClient);
describe.skipIf(missing !== undefined)(`the streaming of ${nodeClient.name}${missing ? `: ${missing}` : ""}`, () => {
  test("that fails half-way gives what was streamed, and the next invocation is right", async () => {
    const init = start(subjects[0] as Subject, "streams-half");
    expect((await init.invoke('{"n":1}')).body).toContain("half of 1");
    expect((await init.invoke('{"n":2,"fails":true}')).body).toContain("half of 2");
    expect((await init.invoke('{"n":3}')).body).toContain("half of 3");
    expect((await init.invoke('{"n":4,"fails":true}')).body).toContain("half of 4");
    expect((await init.invoke('{"n":5}')).body).toContain("half of 5");
    expect(init.double.callbacks.map(({ kind }) => kind).filter((kind) => kind !== "logs")).toEqual([
      "ready",
      ...Array(5).fill("response"),
    ]);
  });
});

const zoneMissing = whyMissing(newPythonClient) ?? whyMissing(powertools);
describe.skipIf(zoneMissing !== undefined)(`${powertools.name}${zoneMissing ? `: ${zoneMissing}` : ""}`, () => {
  test("E5: reads the zone from the metadata endpoint", async () => {
    const directory = fixture("python-handlers");
    const init = startInit(newPythonClient.command(newPythonClient.directory, "asks_for_its_zone.handler"), {
      cwd: directory,
      env: {
        PYTHONPATH: `${newPythonClient.directory}:${powertools.directory}`,
        LAMBDA_TASK_ROOT: directory,
        _HANDLER: "asks_for_its_zone.handler",
        AWS_REGION: "eu-central-1",
      },
    });
    expect(await init.invoke("{}")).toMatchObject({ kind: "response", body: '{"zone": "euc1-az1"}' });
  });
});
