/** What all samples agree on. */

export interface Sample {
  readonly name: string;
  readonly event: unknown;
}

export const region = "us-east-1";
export const account = "123456789012";
export const requestId = "3f8a1c52-7d40-4b6e-9a13-5c2e8f0b7d61";

/** One moment, in the ways services write it. */
export const moment = {
  iso: "2026-03-14T09:26:53.589Z",
  isoSeconds: "2026-03-14T09:26:53Z",
  logDate: "14/Mar/2026:09:26:53 +0000",
  epochMs: 1_773_480_413_589,
  epochSeconds: 1_773_480_413,
} as const;

export function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
