/** Fetches a code archive into an open file. */
import fs from "node:fs";
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { writeAll } from "./write-all.ts";
import { maxUnpackedBytes } from "./zip-archive.ts";

/** Milliseconds to wait before each further attempt after a connection error: 3 seconds in all. */
const retryAfterMs = [50, 100, 200, 400, 750, 1500];

/** Milliseconds the server may send nothing, neither a status nor a byte. */
export const idleTimeoutMs = 10_000;

/** Milliseconds for everything, further attempts included: 250 MB at a megabyte a second, and some more. */
export const overallTimeoutMs = 300_000;

/**
 * Fetches `url` into the file, from its beginning. A connection that cannot be made or breaks is tried again.
 * @param stop ends the download at once
 * @throws {Error} what went wrong, and what to look at
 */
export async function download(url: string, fd: number, clock: Clock, stop: AbortSignal): Promise<void> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new Error("its url is no http:// or https:// address, correct LOCALSTACK_CODE_ARCHIVES");
  }
  const lifetime = new AbortController();
  const end = (reason: Error) => lifetime.abort(reason);
  const stopped = () => end(new FinalError("it was given up because of another archive"));
  stop.addEventListener("abort", stopped);
  const callOff = clock.after(overallTimeoutMs, () =>
    end(new FinalError(`not fetched within ${overallTimeoutMs / 1000} s, is the connection too slow?`)),
  );
  try {
    if (stop.aborted) stopped();
    await retry(url, clock, lifetime.signal, () => attempt(url, fd, clock, lifetime));
  } finally {
    callOff();
    stop.removeEventListener("abort", stopped);
    end(new FinalError("it is over")); // Nothing of it may go on.
  }
}

/** An error that another attempt would not change. */
class FinalError extends Error {}

/** Bun's errors for redirects it does not follow: to other than http and https, and too many in a row. */
const lastingErrors: ReadonlySet<string> = new Set(["UnsupportedRedirectProtocol", "TooManyRedirects"]);

async function retry(url: string, clock: Clock, lifetime: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let count = 0; ; count++) {
    try {
      lifetime.throwIfAborted();
      return await work();
    } catch (error) {
      lifetime.throwIfAborted();
      if (error instanceof FinalError) throw error;
      if (lastingErrors.has(reasonOf(error))) throw new Error(`its redirects lead nowhere: ${reasonOf(error)}`);
      const wait = retryAfterMs[count];
      if (wait === undefined) {
        throw new Error(`${reasonOf(error)}, in ${count + 1} attempts: is the server running there?`, { cause: error });
      }
      log.info(`GET ${url} failed, trying again in ${wait} ms: ${reasonOf(error)}`);
      await pause(clock, wait, lifetime);
    }
  }
}

async function attempt(url: string, fd: number, clock: Clock, lifetime: AbortController): Promise<void> {
  let callOff = () => {};
  const expectBytes = () => {
    callOff();
    callOff = clock.after(idleTimeoutMs, () =>
      lifetime.abort(new FinalError(`the server sent nothing for ${idleTimeoutMs / 1000} s, does it hang?`)),
    );
  };
  try {
    fs.ftruncateSync(fd, 0);
    expectBytes();
    const client = await loadClient();
    const answer = await client.raw(url, { signal: lifetime.signal });
    if (!answer.ok) {
      throw new FinalError(`the server answered ${answer.status} ${answer.statusText}`.trimEnd());
    }
    let bytes = 0;
    for await (const chunk of answer.body ?? []) {
      expectBytes();
      store(fd, chunk, bytes);
      bytes += chunk.length;
      if (bytes > maxUnpackedBytes) throw new FinalError(`it has more than ${maxUnpackedBytes} bytes`);
    }
    checkLength(answer.headers, bytes);
  } finally {
    callOff();
  }
}

function store(fd: number, chunk: Uint8Array, position: number): void {
  try {
    writeAll(fd, chunk, position);
  } catch (error) {
    throw new FinalError(`it could not be stored: ${messageOf(error)}`, { cause: error });
  }
}

/** The body of a compressed answer has another length than the one that was sent. */
function checkLength(headers: Headers, bytes: number): void {
  const stated = headers.get("content-length");
  if (stated === null || headers.has("content-encoding") || Number(stated) === bytes) return;
  throw new Error(`the connection ended after ${bytes} of ${stated} bytes`);
}

/** Resolves after `ms` milliseconds, or at once when the signal ends it all. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const callOff = clock.after(ms, resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (!signal.aborted) await promise;
  callOff();
}

/** Loaded here: a start without archives goes without it. */
async function loadClient() {
  const { ofetch } = await import("ofetch");
  return ofetch.create({
    retry: 0,
    responseType: "stream",
    ignoreResponseError: true,
    headers: { "Accept-Encoding": "identity" },
  });
}

/** ofetch wraps what went wrong; the code of a connection error stands on its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.name === "FetchError" ? (error.cause ?? error) : error;
  return (cause as NodeJS.ErrnoException).code ?? messageOf(cause);
}
