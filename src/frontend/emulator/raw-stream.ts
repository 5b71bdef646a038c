/** A response passed on as it comes, without frames (`docs/contract/emulator.md E17`). */
import type { Outcome } from "../../environment/invocation.ts";
import { withTrailers } from "../../net/listener/response-trailers.ts";

const modeHeader = "Lambda-Runtime-Function-Response-Mode";
const errorTypeTrailer = "Lambda-Runtime-Function-Error-Type";
const errorBodyTrailer = "Lambda-Runtime-Function-Error-Body";

/** Whether the caller asks for the raw stream on the route of Invoke. */
export function isStreamWanted(request: Request): boolean {
  return request.headers.get(modeHeader)?.toLowerCase() === "streaming";
}

/** @param common what every answer has */
export function rawStream(
  outcome: Extract<Outcome, { kind: "stream" }>,
  common: Readonly<Record<string, string>>,
): Response {
  const contentType = outcome.contentType || "application/octet-stream";
  const headers = { ...common, "Content-Type": contentType, [modeHeader]: "streaming" };
  const trailers = outcome.ended.then((end): Record<string, string> => {
    if (!end) return {};
    const errorBody = Buffer.from(end.errorBody).toString("base64");
    return { [errorTypeTrailer]: end.errorType, [errorBodyTrailer]: errorBody };
  });
  return withTrailers(new Response(outcome.body, { headers }), [errorTypeTrailer, errorBodyTrailer], trailers);
}
