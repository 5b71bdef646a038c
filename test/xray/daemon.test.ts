import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { log } from "../../src/log.ts";
import { startXRay, type XRayDaemon, type XRayOptions } from "../../src/xray/daemon.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { freePort } from "../support/free-port.ts";
import { within } from "../support/within.ts";

const daemons: XRayDaemon[] = [];
const servers: { stop(closeAll?: boolean): unknown }[] = [];

afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    const stopped = daemon.stop();
    await within(5000, "the end of the daemon", stopped);
  }
  for (const server of servers.splice(0)) server.stop(true);
});

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** LocalStack's X-Ray, as far as the daemon calls it. */
function localstack(reply: () => Response = () => Response.json({})) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      seen.push({
        method: request.method,
        path: pathname + search,
        headers: request.headers,
        body: await request.text(),
      });
      return reply();
    },
  });
  servers.push(server);
  return { seen, address: `http://127.0.0.1:${server.port}` };
}

async function start(options: Partial<XRayOptions>) {
  const clock = new FakeClock();
  const listenOn = options.listenOn ?? { hostname: "127.0.0.1", port: freePort() };
  const daemon = startXRay({
    address: "http://127.0.0.1:1",
    region: "eu-west-1",
    credentials: { accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "token" },
    clock,
    sendTelemetry: false,
    ...options,
    listenOn,
  });
  daemons.push(daemon);
  await daemon.ready;
  return { clock, daemon, port: listenOn.port };
}

/** Signature version 4, computed from what arrived: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
function signatureOf({ method, path, headers, body }: Seen): string {
  const [, day = "", signed = ""] =
    /Credential=AKID\/(\d{8})\/eu-west-1\/xray\/aws4_request, SignedHeaders=([^,]+), /.exec(
      headers.get("authorization") ?? "",
    ) ?? [];
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const [pathname = "", query = ""] = path.split("?");
  const lines = signed.split(";").map((name) => `${name}:${headers.get(name)}\n`);
  const canonical = [method, pathname, query, lines.join(""), signed, hash(body)].join("\n");
  const scope = `${day}/eu-west-1/xray/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${headers.get("x-amz-date")}\n${scope}\n${hash(canonical)}`;
  const key = [day, "eu-west-1", "xray", "aws4_request"].reduce<string | Buffer>(hmac, "AWS4secret");
  return hmac(key, text).toString("hex");
}

describe("a request to LocalStack", () => {
  test("is signed, whatever it carries", async () => {
    const { seen, address } = localstack();
    const { port } = await start({ address });
    await fetch(`http://127.0.0.1:${port}/GetSamplingRules`, { method: "POST", body: '{"NextToken":"ü"}' });
    await fetch(`http://127.0.0.1:${port}/anything?a=1`);
    expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /GetSamplingRules",
      "GET /anything?a=1",
    ]);
    for (const request of seen) {
      expect(request.headers.get("authorization")).toEndWith(`Signature=${signatureOf(request)}`);
      expect(request.headers.get("x-amz-security-token")).toBe("token");
      expect(request.headers.get("x-amzn-xray-timestamp")).toMatch(/^\d+\.\d{3}$/);
    }
    expect(seen[0]?.body).toBe('{"NextToken":"ü"}');
  });

  test("goes out unsigned without credentials, with one warning", async () => {
    const warn = spyOn(log, "warn").mockImplementation((() => {}) as unknown as typeof log.warn);
    const { seen, address } = localstack();
    const { port } = await start({ address, credentials: { accessKeyId: "", secretAccessKey: "", sessionToken: "" } });
    for (let count = 0; count < 2; count++) await fetch(`http://127.0.0.1:${port}/SamplingTargets`, { method: "POST" });
    expect(seen.map(({ headers }) => headers.get("authorization"))).toEqual([null, null]);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });
});

test("a question's answer is passed on as it is; LocalStack being away is one of its own", async () => {
  const { address } = localstack(() => new Response('{"x":1}', { status: 418, headers: { "Content-Type": "text/x" } }));
  const { port } = await start({ address });
  const reply = await fetch(`http://127.0.0.1:${port}/GetSamplingRules`, { method: "POST", body: "{}" });
  expect([reply.status, reply.headers.get("content-type"), await reply.text()]).toEqual([418, "text/x", '{"x":1}']);
  const away = await start({});
  const refused = await fetch(`http://127.0.0.1:${away.port}/GetSamplingRules`, { method: "POST", body: "{}" });
  expect(refused.status).toBe(502);
  expect(await refused.text()).toContain("LocalStack's X-Ray cannot be reached");
});

test("segments that came by UDP are on their way when it stops", async () => {
  const { seen, address } = localstack();
  const { daemon, port } = await start({ address });
  const sender = await Bun.udpSocket({});
  for (let at = 0; at < 120; at++) sender.send(`{"format":"json","version":1}\n{"id":"${at}"}`, port, "127.0.0.1");
  await daemon.stop();
  sender.close();
  const documents = seen.flatMap(
    ({ body }) => (JSON.parse(body) as { TraceSegmentDocuments: string[] }).TraceSegmentDocuments,
  );
  expect(documents).toHaveLength(120);
  expect(new Set(seen.map(({ path }) => path))).toEqual(new Set(["/TraceSegments"]));
  expect(daemon.counts).toMatchObject({ received: 120, sent: 120 });
});

describe("a taken port is a warning, and the other half works:", () => {
  test("TCP", async () => {
    const warn = spyOn(log, "warn").mockImplementation((() => {}) as unknown as typeof log.warn);
    // One that would share it.
    const taken = Bun.serve({ hostname: "127.0.0.1", port: freePort(), reusePort: true, fetch: () => new Response() });
    const tcp = taken.port as number;
    const { address } = localstack();
    const { daemon } = await start({ address, listenOn: { hostname: "127.0.0.1", port: tcp } });
    expect(warn.mock.calls[0]?.[0]).toStartWith(`X-Ray sampling rules cannot be served on TCP 127.0.0.1:${tcp}: `);
    const sender = await Bun.udpSocket({});
    sender.send('{"format":"json","version":1}\n{}', tcp, "127.0.0.1");
    await daemon.stop();
    sender.close();
    await taken.stop(true);
    expect(daemon.counts.sent).toBe(1);
    warn.mockRestore();
  });

  test("UDP", async () => {
    const warn = spyOn(log, "warn").mockImplementation((() => {}) as unknown as typeof log.warn);
    const taken = await Bun.udpSocket({ hostname: "127.0.0.1", port: freePort() });
    const { address, seen } = localstack();
    await start({ address, listenOn: { hostname: "127.0.0.1", port: taken.port } });
    expect(warn.mock.calls[0]?.[0]).toStartWith(`X-Ray segments cannot be received on UDP 127.0.0.1:${taken.port}: `);
    await fetch(`http://127.0.0.1:${taken.port}/GetSamplingRules`, { method: "POST" });
    taken.close();
    expect(seen).toHaveLength(1);
    warn.mockRestore();
  });
});

test("LocalStack is told the daemon's figures every minute, where that is asked for", async () => {
  const { seen, address } = localstack();
  const { clock, port, daemon } = await start({ address, sendTelemetry: true });
  const sender = await Bun.udpSocket({});
  sender.send('{"format":"json","version":1}\n{"id":"1"}', port, "127.0.0.1");
  while (daemon.counts.received === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(1000);
  while (daemon.counts.sent === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(59_000);
  while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
  sender.close();
  expect(seen[1]?.path).toBe("/TelemetryRecords");
  expect(JSON.parse(seen[1]?.body ?? "")).toMatchObject({
    TelemetryRecords: [
      { SegmentsReceivedCount: 1, SegmentsSentCount: 1, SegmentsSpilloverCount: 0, SegmentsRejectedCount: 0 },
    ],
  });
});
