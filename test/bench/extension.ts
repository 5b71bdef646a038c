/** The extension of the benchmark. Arguments: its kind, and the file it makes once init has taken it in. */
import { writeFileSync } from "node:fs";

const [kind, marker = ""] = process.argv.slice(2);
const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}`;

const registration = await fetch(`${base}/2020-01-01/extension/register`, {
  method: "POST",
  headers: { "Lambda-Extension-Name": "bench" },
  body: '{"events":["INVOKE","SHUTDOWN"]}',
});
const headers = { "Lambda-Extension-Identifier": registration.headers.get("lambda-extension-identifier") ?? "" };
let isServed = registration.status === 200;

if (kind === "telemetry") {
  const sink = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      await request.arrayBuffer();
      return new Response("ok");
    },
  });
  const subscribed = await fetch(`${base}/2022-07-01/telemetry`, {
    method: "PUT",
    headers,
    body: JSON.stringify({
      schemaVersion: "2022-12-13",
      types: ["platform", "function", "extension"],
      destination: { protocol: "HTTP", URI: `http://sandbox.localdomain:${sink.port}` },
    }),
  });
  isServed &&= subscribed.status === 200;
}
if (isServed) writeFileSync(marker, "");

for (;;) {
  const event = await fetch(`${base}/2020-01-01/extension/event/next`, {
    headers,
    signal: AbortSignal.timeout(3_600_000),
  });
  if ((await event.text()).includes("SHUTDOWN")) process.exit(0);
}
