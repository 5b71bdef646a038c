/** Headers behind the body of an answer, which tell what became of it while it was sent. */

interface Trailers {
  readonly names: readonly string[];
  readonly values: Promise<Readonly<Record<string, string>>>;
}

const trailersOf = new WeakMap<Response, Trailers>();

/**
 * Announces trailers, which are sent when the body has ended.
 * @param values those of them that there are; never rejects
 */
export function withTrailers(
  response: Response,
  names: readonly string[],
  values: Promise<Readonly<Record<string, string>>>,
): Response {
  trailersOf.set(response, { names, values });
  return response;
}

/** The line of the head that announces them; empty where there are none. */
export function trailerLine(response: Response): string {
  const trailers = trailersOf.get(response);
  return trailers ? `Trailer: ${trailers.names.join(", ")}\r\n` : "";
}

/** The last chunk, and what stands behind it. */
export async function lastChunk(response: Response): Promise<string> {
  const values = await trailersOf.get(response)?.values;
  const lines = Object.entries(values ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  return `0\r\n${lines.join("")}\r\n`;
}
