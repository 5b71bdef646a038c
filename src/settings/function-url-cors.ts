/** The cross-origin rules of a Function URL, in the words of AWS's API. */
import { type Kind, parseJson } from "./kinds.ts";

/** https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html */
export interface FunctionUrlCors {
  readonly AllowOrigins: readonly string[];
  readonly AllowMethods: readonly string[];
  readonly AllowHeaders: readonly string[];
  readonly ExposeHeaders: readonly string[];
  readonly AllowCredentials: boolean;
  /** Seconds, 0 to 86,400. */
  readonly MaxAge: number;
}

const nothing: FunctionUrlCors = {
  AllowOrigins: [],
  AllowMethods: [],
  AllowHeaders: [],
  ExposeHeaders: [],
  AllowCredentials: false,
  MaxAge: 0,
};

export const functionUrlCors: Kind<FunctionUrlCors> = {
  allowed:
    'a JSON object such as {"AllowOrigins":["*"],"MaxAge":60}, with AllowOrigins, AllowMethods, AllowHeaders and ' +
    "ExposeHeaders (lists of texts), AllowCredentials (true or false) and MaxAge (0 to 86400)",
  parse(text) {
    const given = parseJson(text);
    if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
    const isRight = Object.entries(given).every(([key, value]) => isAllowed(key, value));
    return isRight ? { ...nothing, ...given } : undefined;
  },
};

function isAllowed(key: string, value: unknown): boolean {
  if (key === "AllowCredentials") return typeof value === "boolean";
  if (key === "MaxAge") return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 86_400;
  return Object.hasOwn(nothing, key) && Array.isArray(value) && value.every((one) => typeof one === "string");
}
