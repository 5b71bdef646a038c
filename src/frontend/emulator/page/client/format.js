/** Figures and texts as a person reads them. */

export function duration(ms) {
  if (ms === undefined) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export function clockTime(epochMs) {
  const date = new Date(epochMs);
  const two = (number) => String(number).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** One word for what became of it. */
export function statusOf({ state, errorType }) {
  if (state === "done") return errorType === undefined ? "succeeded" : "failed";
  return state;
}

const sources = { stream: "stream", event: "async", url: "URL", once: "once" };

/** How it came, where that is not the usual way. */
export function badgesOf({ source, attempt, initDurationMs }) {
  const badges = sources[source] ? [sources[source]] : [];
  if (attempt > 1) badges.push(`attempt ${attempt}`);
  if (initDurationMs !== undefined) badges.push("cold");
  return badges;
}

/** Keeps numbers as they are written, where the browser can. @throws {SyntaxError} */
export function parseJson(text) {
  const keep = (_, value, context) =>
    typeof value === "number" && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
  return JSON.parse(text, keep);
}

/** @returns `undefined` if it is no JSON */
export function prettyJson(text) {
  try {
    return JSON.stringify(parseJson(text), null, 2);
  } catch {
    return undefined;
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Characters a command may have as one argument; longer events go in by standard input. */
const maxArgument = 100_000;

/** The command that makes the same call. @param entry with its whole event */
export function toCurl({ event, source, functionArn, clientContext, tenantId }, origin) {
  const name = functionArn.split(":function:")[1] ?? "function";
  const headers = [];
  if (source === "event") headers.push("X-Amz-Invocation-Type: Event");
  if (clientContext) headers.push(`X-Amz-Client-Context: ${base64(clientContext)}`);
  if (tenantId) headers.push(`X-Amz-Tenant-Id: ${tenantId}`);
  const url = `${origin}/2015-03-31/functions/${name}/invocations`;
  const options = headers.map((header) => ` -H ${quoted(header)}`).join("");
  const { text } = event;
  if (text.length <= maxArgument) return `curl${options} --data-binary ${quoted(text)} ${quoted(url)}`;
  return `curl${options} --data-binary @- ${quoted(url)} <<'END_OF_EVENT'\n${text}\nEND_OF_EVENT\n`;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
