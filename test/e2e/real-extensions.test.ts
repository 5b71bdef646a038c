/** Lambda extensions as their authors publish them, unmodified, in `/opt/extensions`, against the binary. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { stopwatch } from "../support/stopwatch.ts";
import { whyMissing } from "./support/clients.ts";
import { type Init, isRoot, runFixture, startInit, stopAll, within } from "./support/init.ts";
import { layerOf, otelExtension, type RealExtension, sentryExtension, webAdapter } from "./support/real-extensions.ts";

const sinks: Sink[] = [];

afterEach(async () => {
  await stopAll();
  for (const sink of sinks.splice(0)) sink.stop();
});

/** A stand-in for the service an extension sends to: takes everything. */
class Sink {
  /** What came, as it came: path and body. Bytes that are no text are kept as Latin-1. */
  readonly received: string[] = [];
  #wake = Promise.withResolvers<void>();
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const body = await request.bytes();
      const plain = request.headers.get("content-encoding") === "gzip" ? gunzipSync(body) : body;
      this.received.push(`${new URL(request.url).pathname} ${Buffer.from(plain).toString("latin1")}`);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
      return new Response();
    },
  });

  constructor() {
    sinks.push(this);
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** The first delivery that has `text` in it, now or later. */
  waitFor(text: string): Promise<string> {
    const find = async () => {
      for (;;) {
        const found = this.received.find((delivery) => delivery.includes(text));
        if (found) return found;
        await this.#wake.promise;
      }
    };
    return within(find(), `a delivery with ${text}`);
  }

  stop(): void {
    void this.#server.stop(true);
  }
}

/** Starts init where `/opt` has the extension's layer and nothing else. */
function start(extension: RealExtension, command: string[], env: Record<string, string>): Init {
  const files = Object.entries(layerOf(extension) ?? {});
  const layOut = [
    "mkdir -p /opt && mount -t tmpfs tmpfs /opt",
    ...files.map(([path, source]) => `install -D -m 755 '${source}' '/opt/${path}'`),
    'exec "$@"',
  ];
  return startInit(command, { prefix: ["unshare", "--mount", "sh", "-ec", layOut.join("\n"), "sh"], env });
}

/** The processes of an extension in this file's network: their command lines. */
function processesOf(extension: RealExtension): string[] {
  const paths = Object.keys(layerOf(extension) ?? {}).map((path) => `/opt/${path}`);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net")) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    })
    .filter((command) => paths.some((path) => command.split(" ").includes(path)));
}

/** A group of tests with an extension, skipped by name where they cannot run. */
function describeWith(extension: RealExtension, tests: () => void): void {
  const obstacle = isRoot ? whyMissing(extension) : "it needs a mount namespace, and that needs root";
  describe.skipIf(obstacle !== undefined)(`${extension.name}${obstacle ? `: ${obstacle}` : ""}`, tests);
}

describeWith(otelExtension, () => {
  test("hears of the invocations by telemetry, sends it on, and ends with the environment", async () => {
    const sink = new Sink();
    const init = start(otelExtension, runFixture("does-what-the-event-says.ts"), {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sink.port}`,
      LAMBDA_OTEL_FLUSH_STRATEGY: "end",
    });
    await init.double.waitForReady();
    const elapsed = stopwatch();
    const first = await init.invoke('{"print":"the first line\\n","respond":"one"}');
    const second = await init.invoke('{"print":"the second line\\n","respond":"two"}');
    expect([first.kind, first.body, second.kind, second.body]).toEqual(["response", "one", "response", "two"]);
    expect(first.logs).toContain("the first line\n");
    expect(second.logs).toContain("the second line\n");

    // It makes metrics of platform.report, and sends those of one invocation at the end of the next.
    expect(processesOf(otelExtension)).toHaveLength(1);
    const metrics = await sink.waitFor(first.id);
    expect(metrics).toStartWith("/v1/metrics ");
    for (const name of ["faas.invocation.duration", "aws.lambda.billed_duration", "aws.lambda.max_memory_used"])
      expect(metrics).toContain(name);
    expect(sink.received.join()).not.toContain("extension.shutdown_count");
    // It asks for its next event once platform.runtimeDone has reached it, or a second before the deadline: telemetry
    // that waits for the extensions, as the invocation does, costs nine seconds.
    expect(elapsed()).toBeLessThan(8000);

    expect(await init.stop()).toBe(0);
    expect(await sink.waitFor("extension.shutdown_count")).toContain("shutdown.reason");
    expect(init.stdout + init.stderr).toContain("Shutdown complete, exiting event loop");
    expect(processesOf(otelExtension)).toEqual([]);
  });
});

describeWith(webAdapter, () => {
  test("brings the events to a web application as the Runtime API's client, and is ended", async () => {
    const init = start(webAdapter, runFixture("serves-the-web.ts"), {});
    for (const n of [1, 2]) {
      const { kind, body, logs } = await init.invoke(`{"n":${n}}`);
      expect({ kind, ...JSON.parse(body) }).toEqual({ kind: "response", pathname: "/events", text: `{"n":${n}}` });
      expect(logs).toContain(`/events got {"n":${n}}\n`);
    }
    expect(processesOf(webAdapter)).toHaveLength(1);
    expect(await init.stop()).toBe(0);
    expect(processesOf(webAdapter)).toEqual([]);
  });
});

const noNode = Bun.which("node") === null;
describeWith(sentryExtension, () => {
  test.skipIf(noNode)("serves the function between its events, and is ended though it stays", async () => {
    const sink = new Sink();
    const dsn = `http://key@127.0.0.1:${sink.port}/1`;
    const init = start(sentryExtension, runFixture("does-what-the-event-says.ts"), { SENTRY_DSN: dsn });
    for (const n of [1, 2]) {
      const { kind, body } = await init.invoke(`{"print":"line ${n}\\n","respond":"${n}"}`);
      expect([kind, body]).toEqual(["response", String(n)]);
      // As a function's SDK would.
      const envelope = `${JSON.stringify({ dsn })}\n{"type":"event"}\n{"message":"event ${n}"}\n`;
      const answer = await fetch("http://127.0.0.1:9000/envelope", { method: "POST", body: envelope });
      expect(answer.status).toBe(200);
      expect(await sink.waitFor(`event ${n}`)).toStartWith("/api/1/envelope/ ");
    }
    expect(processesOf(sentryExtension)).toHaveLength(1);
    expect(await init.stop()).toBe(0);
    expect(processesOf(sentryExtension)).toEqual([]);
  });
});
