import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { waitUntil } from "../support/within.ts";
import { whyMissing, xraySdk } from "./support/clients.ts";
import { fixture, type Init, runFixture, startInit, stopAll } from "./support/init.ts";

/** LocalStack's X-Ray. */
const documents: string[] = [];
const paths: string[] = [];
let isAway = false;
const localstack = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    if (isAway) return new Response("no", { status: 503 });
    const { pathname } = new URL(request.url);
    paths.push(pathname);
    if (pathname !== "/TraceSegments") return Response.json({ SamplingRuleRecords: [] });
    const body = (await request.json()) as { TraceSegmentDocuments: string[] };
    if (!request.headers.get("authorization")?.startsWith("AWS4-HMAC-SHA256 Credential=key/")) {
      return new Response("unsigned", { status: 403 });
    }
    documents.push(...body.TraceSegmentDocuments);
    return Response.json({ UnprocessedTraceSegments: [] });
  },
});

afterEach(async () => {
  await stopAll();
  documents.length = 0;
  paths.length = 0;
  isAway = false;
});

// The daemon's port is fixed: without a network of its own a test could meet another's.
const withNetwork = test.skipIf(process.env.E2E_OWN_NETWORK !== "1");

const env = { LOCALSTACK_HOSTNAME: "127.0.0.1", EDGE_PORT: String(localstack.port) };

/** How many segments are lost, as far as init has told: of each kind of loss, in the order they are told. */
function losses({ stderr }: Init): number[] {
  const last = [...stderr.matchAll(/lost so far: (.*)/g)].at(-1)?.[1] ?? "";
  return [...last.matchAll(/\d+/g)].map(Number);
}

function arrived(count: number, init: Init): Promise<void> {
  return waitUntil(`${count} segments have arrived; ${init.stderr}`, () => documents.length >= count);
}

withNetwork("the daemon's port is bound when init says that it is ready, however quick the runtime is", async () => {
  const bound: boolean[] = [];
  for (let start = 0; start < 20; start++) {
    const init = startInit(runFixture("polls-at-once.bash"), {
      env,
      misbehave({ kind }) {
        if (kind === "ready") bound.push(readFileSync("/proc/net/udp", "latin1").includes("0100007F:07D0 "));
        return undefined;
      },
    });
    await init.double.waitForReady();
    await init.stop();
  }
  expect(bound).toEqual(Array.from({ length: 20 }, () => true));
});

withNetwork("10,000 segments reach LocalStack, or their loss is told to the last one", async () => {
  const init = startInit(runFixture("sends-segments.ts"), { env });
  await init.invoke('{"segments":10000}');
  // When init ends, it sends what is left for a second only.
  const settled = () => losses(init).reduce((sum, lost) => sum + lost, documents.length);
  await waitUntil("every segment has arrived, or is told as lost", () => settled() >= 10_000);
  expect(await init.stop()).toBe(0);
  const lost = [...init.stderr.matchAll(/lost so far: .*?(\d+) were too many to read/g)].at(-1)?.[1] ?? "0";
  expect(documents.length + Number(lost)).toBe(10_000);
  expect(new Set(documents).size).toBe(documents.length);
  expect(JSON.parse(documents[0] ?? "")).toMatchObject({ name: "fn" });
});

withNetwork("what is on its way when the environment ends is sent before it does", async () => {
  const init = startInit(runFixture("sends-segments.ts"), { env });
  await init.invoke('{"segments":7}');
  expect(await init.stop()).toBe(0);
  expect(documents).toHaveLength(7);
});

withNetwork("a LocalStack without X-Ray costs a warning, and nothing else", async () => {
  isAway = true;
  const init = startInit(runFixture("sends-segments.ts"), { env });
  expect((await init.invoke('{"segments":3}')).kind).toBe("response");
  await init.waitForStderr("3 could not be delivered");
  expect(await init.stop()).toBe(0);
});

const missing = whyMissing(xraySdk);
test.skipIf(process.env.E2E_OWN_NETWORK !== "1" || missing !== undefined)(
  `${xraySdk.name} sends its segment, and is told the sampling rules${missing ? `: ${missing}` : ""}`,
  async () => {
    const init = startInit(["node", fixture("uses-the-xray-sdk.mjs"), xraySdk.directory], { env });
    const { id, body } = await init.invoke("{}");
    expect(body).toBe('{"SamplingRuleRecords":[]}');
    await arrived(1, init);
    expect(JSON.parse(documents[0] ?? "")).toMatchObject({ name: "traced", annotations: { requestId: id } });
    expect(paths).toContain("/GetSamplingRules");
  },
);
