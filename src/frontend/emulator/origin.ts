/**
 * Who may call: any web page a developer opens could otherwise run code on their machine, by a simple POST or by giving
 * its own name our address. Requests without `Origin` come from SDKs, curl and other containers, and are never refused
 * (`docs/contract/emulator.md E22`, `docs/contract/emulator.md E29`).
 */
import { PlainResponse } from "../../net/listener/plain-response.ts";
import { AwsError } from "./aws-errors.ts";

const allowedMethods = "GET, POST, OPTIONS";

/** What answers may show a page: AWS's own headers of an invocation. */
const exposedHeaders =
  "X-Amz-Executed-Version, X-Amz-Function-Error, X-Amz-Log-Result, x-amzn-RequestId, x-amzn-ErrorType, Retry-After";

/** Seconds a browser may keep the answer to a preflight. */
const preflightMaxAge = "600";

export class OriginRules {
  /** @param allowed origins as `--cors` has them; `*`: any */
  constructor(private readonly allowed: readonly string[]) {}

  /** @throws {AwsError} for a page that may not call */
  check(request: Request): void {
    const origin = request.headers.get("origin");
    if (origin !== null && !this.#isAllowed(origin)) {
      throw new AwsError(
        "AccessDeniedException",
        `Calls from ${origin} are refused: only pages of this machine may call. Start the emulator with --cors ${origin} to allow it`,
      );
    }
  }

  /**
   * For what only a browser asks for: a name that is not this machine's may be a stranger's who gave it our address.
   * @throws {AwsError}
   */
  checkHost(request: Request): void {
    const host = request.headers.get("host") ?? "";
    const hostname = toHostname(`http://${host}`);
    if (hostname !== undefined && (isLoopbackName(hostname) || isIpAddress(hostname) || this.#names(hostname))) return;
    throw new AwsError(
      "AccessDeniedException",
      `${JSON.stringify(host)} is not known as a name of this machine. Use localhost or an IP address`,
    );
  }

  /**
   * The answer to an OPTIONS request of a browser, without the function.
   * @throws {AwsError} for a page that may not call, and for a request that no browser made
   */
  preflight(request: Request): Response {
    if (!request.headers.has("origin")) {
      throw new AwsError("MethodNotAllowedException", "OPTIONS is answered for browsers only");
    }
    this.check(request);
    return new PlainResponse(null, {
      status: 204,
      headers: {
        "Access-Control-Allow-Methods": allowedMethods,
        "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers") ?? "*",
        "Access-Control-Max-Age": preflightMaxAge,
      },
    });
  }

  /** The answer as an allowed page can read it. */
  exposed(request: Request, response: Response): Response {
    const origin = request.headers.get("origin");
    if (origin === null || !this.#isAllowed(origin)) return response;
    const added = {
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Expose-Headers": exposedHeaders,
      Vary: "Origin",
    };
    const { status } = response;
    if (response instanceof PlainResponse) {
      const body = response.plainBody as Uint8Array<ArrayBuffer> | string;
      return new PlainResponse(body, { status, headers: { ...response.plainHeaders, ...added } });
    }
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(added)) headers.set(name, value);
    return new Response(response.body, { status, headers });
  }

  #isAllowed(origin: string): boolean {
    if (this.allowed.includes("*") || this.allowed.includes(origin)) return true;
    const hostname = toHostname(origin);
    return hostname !== undefined && isLoopbackName(hostname);
  }

  #names(hostname: string): boolean {
    return this.allowed.some((origin) => toHostname(origin) === hostname);
  }
}

/** The name in an origin, an IPv6 address in its brackets; `undefined` for `null` and what else is no address. */
function toHostname(origin: string): string | undefined {
  try {
    return new URL(origin).hostname || undefined;
  } catch {
    return undefined;
  }
}

/** All of `localhost`'s subdomains are loopback by RFC 6761. */
function isLoopbackName(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

function isIpAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}
