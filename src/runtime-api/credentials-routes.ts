/**
 * The keys of a function with a snapshot, which must not be in it: `docs/contract/runtime-api.md 8`. The AWS SDKs ask
 * here because of `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
 */
import { PlainResponse } from "../net/listener/plain-response.ts";
import { plainText } from "./replies.ts";
import type { AddRoute, RuntimeApiOptions } from "./routes.ts";

export const credentialsPath = "/2021-04-23/credentials";

/** Milliseconds after which an SDK asks again. The keys themselves are good for as long as init was given them. */
const validMs = 6 * 60 * 60 * 1000;

/** @param now epoch milliseconds */
export function addCredentialsRoutes(
  { credentials }: Pick<RuntimeApiOptions, "credentials">,
  add: AddRoute,
  now: () => number = Date.now,
): void {
  if (!credentials) return;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials.value;
  add("GET", credentialsPath, (request) => {
    // The token alone, without `Bearer`: so do the SDKs.
    if (request.headers.get("authorization") !== credentials.token) {
      return plainText(404, "cannot get credentials for the provided token");
    }
    const answer = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: new Date(now() + validMs).toISOString().replace(/\.\d+Z$/, "Z"),
    };
    return new PlainResponse(JSON.stringify(answer), { headers: { "Content-Type": "text/plain; charset=utf-8" } });
  });
}
