/** CORS as a Function URL is configured with it (docs/contract/emulator.md 3.4): the platform answers, not the function. */

/** AWS's Cors object; an empty list: nothing allowed. */
export interface FunctionUrlCors {
  readonly AllowOrigins: readonly string[];
  readonly AllowMethods: readonly string[];
  readonly AllowHeaders: readonly string[];
  readonly ExposeHeaders: readonly string[];
  readonly AllowCredentials: boolean;
  /** Seconds. */
  readonly MaxAge: number;
}

export function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("origin");
}

/** The answer to a preflight. For an origin that is not allowed it has no headers, which the browser takes for a no. */
export function preflight(cors: FunctionUrlCors, request: Request): Response {
  const response = new Response(null, { status: 200, headers: { "content-length": "0" } });
  const { headers } = response;
  if (!addOrigin(cors, request, headers)) return response;
  if (cors.AllowMethods.length > 0) headers.set("Access-Control-Allow-Methods", cors.AllowMethods.join(","));
  if (cors.AllowHeaders.length > 0) headers.set("Access-Control-Allow-Headers", cors.AllowHeaders.join(","));
  headers.set("Access-Control-Max-Age", String(cors.MaxAge));
  return response;
}

/** Puts the configured headers in the place of the function's own. */
export function addCors(cors: FunctionUrlCors, request: Request, headers: Headers): void {
  for (const name of [...headers.keys()]) if (name.startsWith("access-control-")) headers.delete(name);
  if (!addOrigin(cors, request, headers)) return;
  if (cors.ExposeHeaders.length > 0) headers.set("Access-Control-Expose-Headers", cors.ExposeHeaders.join(","));
}

/** @returns whether the origin is allowed */
function addOrigin(cors: FunctionUrlCors, request: Request, headers: Headers): boolean {
  const origin = request.headers.get("origin");
  const allowsAny = cors.AllowOrigins.includes("*");
  if (origin === null || !(allowsAny || cors.AllowOrigins.includes(origin))) return false;
  // With credentials a browser takes no `*`.
  headers.set("Access-Control-Allow-Origin", allowsAny && !cors.AllowCredentials ? "*" : origin);
  headers.append("Vary", "Origin");
  if (cors.AllowCredentials) headers.set("Access-Control-Allow-Credentials", "true");
  return true;
}
