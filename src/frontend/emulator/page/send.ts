/** Events the page sends: like a call from outside, but nobody waits for the answer, for the history has it. */
import { log } from "../../../log.ts";
import { AwsError, maxEventBytes } from "../aws-errors.ts";
import { readCallHeaders, readEvent } from "../call.ts";
import type { Entry } from "../history.ts";
import type { Call } from "../invoker.ts";
import type { PageOptions } from "./options.ts";

type Sender = Pick<PageOptions, "invoker" | "asyncEvents" | "functionArn">;

/** What the page is told at once: under which id its invocation will appear. */
export interface Sent {
  readonly requestId: string;
}

/** @throws {AwsError} for what the Invoke API would refuse too */
export async function sendEvent(sender: Sender, request: Request): Promise<Sent> {
  const requestId = crypto.randomUUID();
  const { invocationType, ...headers } = readCallHeaders(request.headers, requestId);
  if (invocationType === "DryRun") {
    throw new AwsError("InvalidParameterValueException", "A DryRun runs nothing: there would be nothing to see");
  }
  const payload = await readEvent(request, invocationType, maxEventBytes[invocationType]);
  const { clientContext, cognitoIdentity, tenantId, traceId } = headers;
  const { functionArn: invokedFunctionArn } = sender;
  const call = { requestId, invokedFunctionArn, payload, traceId, clientContext, cognitoIdentity, tenantId };
  if (invocationType === "RequestResponse") return run(sender, call);
  sender.asyncEvents.accept(call, sender.invoker.reserve(requestId));
  return { requestId };
}

/** @throws {AwsError} if the event is not there as a whole */
export function repeatEntry(sender: Sender, entry: Entry): Sent {
  const { event, functionArn: invokedFunctionArn, clientContext, tenantId } = entry;
  if (event.isCut) {
    throw new AwsError(
      "InvalidParameterValueException",
      `The event had ${event.totalBytes} bytes and was not kept as a whole: send it again from where it came`,
    );
  }
  const requestId = crypto.randomUUID();
  const payload = event.text;
  return run(sender, {
    requestId,
    invokedFunctionArn,
    payload,
    traceId: "",
    clientContext,
    cognitoIdentity: "",
    tenantId,
  });
}

function run({ invoker }: Sender, call: Omit<Call, "source" | "attempt" | "takesStream">): Sent {
  const release = invoker.reserve(call.requestId);
  invoker.invoke({ ...call, source: "invoke", attempt: 1, takesStream: false }, release).catch((error) => {
    // That there was no room for it stands in the history.
    if (!(error instanceof AwsError)) log.error("an event of the page could not be sent:", error);
  });
  return { requestId: call.requestId };
}
