/** An init whose runtime does nothing: the test calls the Runtime API in its place. */
import { waitUntil } from "../../support/within.ts";
import { type Init, type StartOptions, startInit } from "./init.ts";

/** The runtime writes its environment first, then `up`. */
export async function startIdle(options: StartOptions = {}): Promise<Init> {
  const init = startInit(["sh", "-c", "env; echo up; exec sleep 600"], options);
  await runtimeStarts(init, 1);
  return init;
}

/** Resolves when the runtime has been started so often. */
export async function runtimeStarts(init: Init, times: number): Promise<void> {
  await waitUntil(`start ${times} of the runtime`, () => startsOf(init) >= times, 10_000);
}

/** How often the runtime has been started. */
export function startsOf(init: Init): number {
  return init.stdout.split(/^up$/m).length - 1;
}

/** A variable of the runtime that was started last. */
export function runtimeVariable(init: Init, name: string): string | undefined {
  return [...init.stdout.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].at(-1)?.[1];
}

/** Calls an API of the environment. */
export function call(init: Init, method: string, path: string, request: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${init.runtimeApiPort}${path}`, { method, ...request });
}

/** Calls the Runtime API. */
export function callRuntimeApi(init: Init, method: string, path: string, request: RequestInit = {}): Promise<Response> {
  return call(init, method, `/2018-06-01/runtime${path}`, request);
}
