/** The X-Ray cause of a runtime's error: checked and cut to size (`docs/contract/runtime-api.md 3.6`). */

/** Bytes of JSON a cause may have. */
const maxBytes = 65_536;
/** Bytes `message` and `working_directory` may each have when nothing else made the cause small enough. */
const maxTextBytes = 30_720;

interface Frame {
  readonly path: string;
  readonly line: number;
  readonly label: string;
}

interface Exception {
  readonly message: string;
  readonly type: string;
  readonly stack: readonly Frame[];
}

interface ErrorCause {
  exceptions: Exception[] | null;
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
  const known = exceptions === null ? null : Array.isArray(exceptions) && allOrNone(exceptions.map(toException));
  const areTexts = paths === null || (Array.isArray(paths) && paths.every((path) => typeof path === "string"));
  if (known === false || known === undefined || !areTexts) return undefined;
  if (typeof working_directory !== "string" || typeof message !== "string") return undefined;
  const cause: ErrorCause = { exceptions: known, working_directory, paths: paths as string[] | null };
  if (!known?.length && !working_directory && !cause.paths?.length && !message) return undefined;
  if (message !== "") cause.message = message;
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

/** Known keys only, in their order; `undefined` when one has another type. */
function toException(value: unknown): Exception | undefined {
  if (!isObject(value)) return undefined;
  const { message = "", type = "", stack = [] } = value;
  if (typeof message !== "string" || typeof type !== "string" || !Array.isArray(stack)) return undefined;
  const frames = allOrNone(stack.map(toFrame));
  return frames && { message, type, stack: frames };
}

function toFrame(value: unknown): Frame | undefined {
  if (!isObject(value)) return undefined;
  const { path = "", line = 0, label = "" } = value;
  const isRight = typeof path === "string" && Number.isInteger(line) && typeof label === "string";
  return isRight ? { path, line: line as number, label } : undefined;
}

function allOrNone<T>(list: (T | undefined)[]): T[] | undefined {
  return list.every((item) => item !== undefined) ? list : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
