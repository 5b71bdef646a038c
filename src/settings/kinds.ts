/** Kinds of values that settings and flags have: what is allowed, and how the text becomes the value. */

export interface Kind<T> {
  /** What is allowed, as the end of the sentence "`X` must be …". */
  readonly allowed: string;
  /** Turns the text into the value; `undefined` refuses it. */
  readonly parse: (text: string) => T | undefined;
}

export const anyText = (what: string): Kind<string> => ({ allowed: what, parse: (text) => text });

/** A text that says something. */
export const someText = (allowed: string): Kind<string> => ({ allowed, parse: (text) => text || undefined });

export function wholeNumber(what: string, min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return {
    allowed: `${what}, a whole number, ${range}`,
    parse(text) {
      const number = Number(text);
      return hasOnlyDigits(text) && number >= min && number <= max ? number : undefined;
    },
  };
}

/** Without an expression: each one is compiled when it is first used, which is at every start. */
function hasOnlyDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text !== "";
}

export function oneOf<const T extends string>(...words: T[]): Kind<T> {
  return {
    allowed: `one of ${words.join(", ")}`,
    parse: (text) => words.find((word) => word === text),
  };
}

export const port = wholeNumber("a port", 1, 65_535);

/** 0: any free one. */
export const portOrAny = wholeNumber("a port", 0, 65_535);

/** The longest timeout a JavaScript timer can carry, in whole seconds (about 24 days). */
export const timeoutSeconds = wholeNumber("the function's timeout in seconds", 1, 2_147_483);

export const memorySizeMb = wholeNumber("the function's memory in MB", 1);

export const accountId: Kind<string> = {
  allowed: "an AWS account id, 12 digits",
  parse: (text) => (text.length === 12 && hasOnlyDigits(text) ? text : undefined),
};

export const httpUrl: Kind<string> = {
  allowed: "the http:// or https:// address of LocalStack's callbacks",
  parse(text) {
    // An engine's URL finds a host behind any number of slashes.
    const rest = behindScheme(text);
    const hasHost = rest !== undefined && rest[0] !== "/" && rest.trimStart() === rest;
    if (!hasHost || !URL.canParse(text)) return undefined;
    let end = text.length;
    while (text[end - 1] === "/") end--;
    return text.slice(0, end);
  },
};

function behindScheme(text: string): string | undefined {
  const scheme = ["http://", "https://"].find((start) => text.startsWith(start));
  return scheme === undefined ? undefined : text.slice(scheme.length);
}

export const pathSegment: Kind<string> = {
  allowed: "the id of this environment, without slashes or blanks",
  parse: (text) => (isSegment(text) ? text : undefined),
};

function isSegment(text: string): boolean {
  for (const character of text) {
    if (character <= " " || "/?#".includes(character)) return false;
    // Blanks beyond ASCII are the expression's to know.
    if (character > "~") return /^[^\s/?#]+$/.test(text);
  }
  return text !== "";
}

/** Where something listens. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** `host:port`; an IPv6 host stands in its brackets. */
export function address(example: string, portKind: Kind<number>): Kind<Address> {
  return {
    allowed: `HOST:PORT, such as ${example}`,
    parse(text) {
      const colon = text.lastIndexOf(":");
      const number = portKind.parse(text.slice(colon + 1));
      return colon > 0 && number !== undefined ? { hostname: text.slice(0, colon), port: number } : undefined;
    },
  };
}

export const commaList = (what: string): Kind<readonly string[]> => ({
  allowed: `a comma-separated list of ${what}`,
  parse: (text) => text.split(",").filter((part) => part !== ""),
});

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
