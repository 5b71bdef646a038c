/** The daemon's protocol: what an X-Ray SDK sends in one datagram. */

/**
 * The segment document of a datagram: what follows a line that says format `json`, version 1. Letter case, blanks and
 * the order of keys in that line do not matter.
 * @returns `undefined` when it is something else
 */
export function segmentIn(datagram: Uint8Array): string | undefined {
  const end = datagram.indexOf(0x0a);
  if (end < 0) return undefined;
  const header = decode(datagram.subarray(0, end)).toLowerCase();
  if (header !== usualHeader && !isHeader(header)) return undefined;
  const document = decode(datagram.subarray(end + 1)).trim();
  return document.startsWith("{") && document.endsWith("}") ? document : undefined;
}

const usualHeader = '{"format":"json","version":1}';

function isHeader(text: string): boolean {
  try {
    const { format, version } = JSON.parse(text);
    return format === "json" && version === 1;
  } catch {
    return false;
  }
}

const decoder = new TextDecoder();

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
