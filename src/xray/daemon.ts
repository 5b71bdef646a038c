/**
 * The X-Ray daemon inside init: takes the segments the function's SDK sends by UDP, and its questions about sampling by
 * TCP, on to LocalStack (`docs/contract/lifecycle.md 8`). Whatever fails here is a warning, and only that.
 */
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { datagramsDropped, widenReceiveBuffer } from "../process/udp.ts";
import { type ConnectionErrors, type SegmentCounts, Segments } from "./segments.ts";
import { Upstream, type UpstreamOptions } from "./upstream.ts";

/** Where every X-Ray SDK looks for the daemon: what LocalStack puts into AWS_XRAY_DAEMON_ADDRESS. */
const defaultAddress = { hostname: "127.0.0.1", port: 2000 } as const;

/** Bytes of datagrams the kernel is asked to keep while init is busy; it gives what it allows. */
const receiveBufferBytes = 8 << 20;

/** Milliseconds after the start: a burst needs a function that runs. */
const widenAfterMs = 20;

/** Milliseconds between two records of the daemon's own figures. */
const telemetryEveryMs = 60_000;

/** Milliseconds to send what is left when the environment ends. */
const flushMs = 1000;

export interface XRayOptions extends UpstreamOptions {
  readonly clock: Clock;
  /** Whether LocalStack is told of the daemon's own figures. */
  readonly sendTelemetry: boolean;
  readonly listenOn?: { readonly hostname: string; readonly port: number };
}

export interface XRayDaemon {
  /** Resolves when both ports are listened on, or have been given up: the function is not to be called before. */
  readonly ready: Promise<void>;
  readonly counts: Readonly<SegmentCounts>;
  /** Sends what is left, within a bound, and listens no more. Never rejects. */
  stop(): Promise<void>;
}

/** Starts in the background. Never throws. */
export function startXRay(options: XRayOptions): XRayDaemon {
  const { clock, sendTelemetry, listenOn = defaultAddress } = options;
  const upstream = new Upstream(options);
  const segments = new Segments(upstream, clock, () => datagramsDropped(listenOn.port));
  const endings: (() => void)[] = [];
  // First: a segment that finds no port is lost, a question about sampling is asked again.
  const ready = listenForSegments(segments, clock, listenOn, endings);
  const proxy = serveProxy(upstream, listenOn);
  if (proxy) endings.push(() => void proxy.stop(true));
  if (sendTelemetry) endings.push(tellFigures(upstream, segments, clock));
  return {
    ready,
    counts: segments.counts,
    async stop() {
      // What the kernel has delivered by now is read within these turns.
      for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
      await segments.flush(flushMs);
      for (const end of endings) end();
    },
  };
}

/** `node:dgram` would take several milliseconds to load, on the start-up path of every function. */
async function listenForSegments(
  segments: Segments,
  clock: Clock,
  { hostname, port }: { hostname: string; port: number },
  endings: (() => void)[],
): Promise<void> {
  try {
    const data = (_: unknown, datagram: Buffer) => segments.add(datagram);
    const socket = await Bun.udpSocket({ hostname, port, socket: { data } });
    // Finding the socket takes half a millisecond, which the first invocation need not wait for.
    const callOff = clock.after(widenAfterMs, () => {
      if (!widenReceiveBuffer(port, receiveBufferBytes)) log.info("X-Ray's receive buffer stays as small as it is");
    });
    endings.push(() => {
      callOff();
      socket.close();
    });
  } catch (error) {
    log.warn(`X-Ray segments cannot be received on UDP ${hostname}:${port}: ${messageOf(error)}. Free the port.`);
  }
}

/** Any request goes on as it is, signed anew: the SDK in the function has no credentials for it. */
function serveProxy(upstream: Upstream, { hostname, port }: { hostname: string; port: number }) {
  try {
    return Bun.serve({
      hostname,
      port,
      // Outside of development Bun shares a port unless it is told not to.
      reusePort: false,
      idleTimeout: 0,
      development: false,
      async fetch(request) {
        try {
          const { pathname, search } = new URL(request.url);
          const hasBody = request.method !== "GET" && request.method !== "HEAD";
          const body = hasBody ? await request.bytes() : undefined;
          const contentType = request.headers.get("content-type") ?? "application/json";
          const answer = await upstream.send(request.method, pathname + search, body, contentType);
          return new Response(answer.body, { status: answer.status, headers: { "Content-Type": answer.contentType } });
        } catch (error) {
          log.info(`LocalStack's X-Ray could not be asked: ${messageOf(error)}`);
          return Response.json(
            { message: `LocalStack's X-Ray cannot be reached: ${messageOf(error)}` },
            { status: 502 },
          );
        }
      },
    });
  } catch (error) {
    log.warn(`X-Ray sampling rules cannot be served on TCP ${hostname}:${port}: ${messageOf(error)}. Free the port.`);
    return undefined;
  }
}

/** Tells LocalStack the figures since the last time, as the daemon does: PutTelemetryRecords. @returns what ends it */
function tellFigures(upstream: Upstream, segments: Segments, clock: Clock): () => void {
  let before = { counts: { ...segments.counts }, errors: { ...segments.errors } };
  let callOff = clock.after(telemetryEveryMs, async function again() {
    const now = { counts: { ...segments.counts }, errors: { ...segments.errors } };
    callOff = clock.after(telemetryEveryMs, again);
    const record = {
      Timestamp: clock.epoch() / 1000,
      SegmentsReceivedCount: now.counts.received - before.counts.received,
      SegmentsSentCount: now.counts.sent - before.counts.sent,
      SegmentsSpilloverCount: now.counts.spilled - before.counts.spilled,
      SegmentsRejectedCount: now.counts.rejected - before.counts.rejected,
      BackendConnectionErrors: difference(now.errors, before.errors),
    };
    before = now;
    try {
      await upstream.send(
        "POST",
        "/TelemetryRecords",
        JSON.stringify({ TelemetryRecords: [record] }),
        "application/json",
      );
    } catch (error) {
      log.info(`LocalStack could not be told X-Ray's figures: ${messageOf(error)}`);
    }
  });
  return () => callOff();
}

function difference(now: ConnectionErrors, before: ConnectionErrors): ConnectionErrors {
  const names = Object.keys(now) as (keyof ConnectionErrors)[];
  return Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as unknown as ConnectionErrors;
}
