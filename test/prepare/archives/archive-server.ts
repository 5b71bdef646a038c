/** Servers of archives, and the whole way from a url to the files, for the tests of code archives. */
import { readFileSync } from "node:fs";
import type { Clock } from "../../../src/clock.ts";
import { unpackCodeArchives } from "../../../src/prepare/archives/code-archives.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { waitUntil, within } from "../../support/within.ts";
import { writeZip, type ZipEntry } from "../../support/zip-writer.ts";
import { failureOf, newPlace } from "./archive-world.ts";

const cleanups: (() => unknown)[] = [];

/** For `afterEach` of whoever calls the functions below. */
export async function stopServers(): Promise<void> {
  for (const cleanup of cleanups.splice(0)) await cleanup();
}

export function serve(answer: (path: string) => Response | Promise<Response>, port = 0): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    fetch: (request) => answer(new URL(request.url).pathname),
  });
  cleanups.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

/** A server of bare sockets: `answer` is called when a request has arrived. */
export function serveSockets(answer: (socket: Bun.Socket, request: number) => void): string {
  let requests = 0;
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => answer(socket, ++requests) },
  });
  cleanups.push(() => listener.stop(true));
  return `http://127.0.0.1:${listener.port}`;
}

/** Knows which waits were begun, so that a test needs no guess whether it may let time pass. */
export class WatchedClock extends FakeClock {
  readonly waits: number[] = [];

  override after(ms: number, action: () => void): () => void {
    this.waits.push(ms);
    return super.after(ms, action);
  }

  begun(ms: number, times = 1): Promise<void> {
    const count = () => this.waits.filter((wait) => wait === ms).length;
    return waitUntil(`${times} waits of ${ms} ms were begun`, () => count() >= times);
  }
}

/** Fetches and unpacks from these urls, all into the same target. */
export function unpack(urls: string[], clock: Clock = new FakeClock()) {
  const place = newPlace();
  const archives = urls.map((url) => ({ url, target_path: place.target }));
  const work = unpackCodeArchives(archives, { clock, temporaryDirectory: place.temporaryDirectory });
  work.catch(() => {}); // Tests look at the error when they expect it.
  return {
    ...place,
    done: () => within(20_000, "the archives", work),
    failure: () => within(20_000, "the failure", failureOf(work)),
    app: () => readFileSync(`${place.target}/app`, "utf8"),
  };
}

/** The answer that carries an archive. */
export function zipOf(...entries: ZipEntry[]): Response {
  return new Response(new Uint8Array(writeZip(entries)));
}

/** The answer that carries an archive with one file of this content, `app`. */
export function app(content: string): Response {
  return zipOf({ name: "app", content });
}
