import type { ClientSignal } from "../environment/exchanges.ts";
import { IncomingRequest } from "../net/listener/incoming-request.ts";

/** Tells that the client of a request is gone, at no cost where the request came over our own listener. */
export function clientSignalOf(request: Request): ClientSignal {
  return request instanceof IncomingRequest ? request.gone : request.signal;
}
