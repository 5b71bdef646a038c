/** Reading request bodies within a limit. */

/** What came of reading a body. */
export type Body =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  /** It went above the limit; it was read to its end all the same, so that the client can read our answer. */
  | { readonly kind: "too large"; readonly size: number }
  /** The connection ended before the body did. */
  | { readonly kind: "truncated" };

/** @param limit bytes; a body of exactly this size is whole */
export async function readBody(request: Request, limit: number): Promise<Body> {
  const announced = Number(request.headers.get("content-length") ?? Number.NaN);
  try {
    if (announced <= limit) return { kind: "whole", bytes: await request.bytes() };
    return await readCounted(request, limit);
  } catch {
    return { kind: "truncated" };
  }
}

async function readCounted(request: Request, limit: number): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > limit ? { kind: "too large", size } : { kind: "whole", bytes: Buffer.concat(chunks) };
}
