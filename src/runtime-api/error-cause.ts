/** The X-Ray cause of an error, as a runtime reports it: checked and cut to size (`runtime-api.md` 3.6). */

/** Bytes of JSON a cause may have. */
const maxBytes = 65_536;
/** Bytes `message` and `working_directory` may each have when nothing else made the cause small enough. */
const maxTextBytes = 30_720;

interface ErrorCause {
  exceptions: unknown[] | null;
  working_directory: string;
  paths: string[] | null;
  message?: string;
}

/** @returns the cause as compact JSON of at most 64 KiB; `undefined` when the text is no cause */
export function toErrorCause(text: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const cause = readCause(parsed);
  return cause && compact(cause);
}

/** The known keys of a cause in their order; `undefined` when a type is wrong or nothing is said. */
function readCause(value: unknown): ErrorCause | undefined {
  if (!isObject(value)) return undefined;
  const { exceptions = null, working_directory = "", paths = null, message = "" } = value;
  const isRight =
    (exceptions === null || (Array.isArray(exceptions) && exceptions.every(isException))) &&
    typeof working_directory === "string" &&
    (paths === null || (Array.isArray(paths) && paths.every((path) => typeof path === "string"))) &&
    typeof message === "string";
  if (!isRight) return undefined;
  const isEmpty = !(exceptions as unknown[])?.length && !working_directory && !(paths as string[])?.length && !message;
  if (isEmpty) return undefined;
  const cause: ErrorCause = {
    exceptions: exceptions as unknown[] | null,
    working_directory: working_directory as string,
    paths: paths as string[] | null,
  };
  if (message !== "") cause.message = message as string;
  return cause;
}

function compact(cause: ErrorCause): string {
  for (const share of [1, 0.8, 0.6, 0.4, 0.2]) {
    const smaller = { ...cause, exceptions: first(share, cause.exceptions), paths: first(share, cause.paths) };
    const text = JSON.stringify(smaller);
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  const last: ErrorCause = { exceptions: null, working_directory: cut(cause.working_directory), paths: null };
  if (cause.message !== undefined) last.message = cut(cause.message);
  return JSON.stringify(last);
}

function first<T>(share: number, list: T[] | null): T[] | null {
  return list?.slice(0, Math.floor(list.length * share)) ?? null;
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length <= maxTextBytes ? text : `${bytes.subarray(0, maxTextBytes - 3).toString("utf8")}...`;
}

function isException(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { message = "", type = "", stack = [] } = value;
  return typeof message === "string" && typeof type === "string" && Array.isArray(stack) && stack.every(isFrame);
}

function isFrame(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { path = "", line = 0, label = "" } = value;
  return typeof path === "string" && Number.isInteger(line) && typeof label === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
