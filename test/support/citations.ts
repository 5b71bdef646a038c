/** Finds what comments cite, such as `docs/contract/lifecycle.md 3.1`. */

export interface Citation {
  /** Its path in the repository. */
  readonly page: string;
  /** A section such as `3.1`, or a row such as `P15`; empty: the page as a whole. */
  readonly place: string;
}

export function citationsIn(text: string): Citation[] {
  return [...text.matchAll(/(docs\/[\w/-]+\.md)`?((?:(?: |, | and )[A-Z]?\d+(?:\.\d+)*[a-z]?\b)*)/g)].flatMap(
    ([, page = "", places = ""]) => {
      const found = places.match(/[A-Z]?\d+(?:\.\d+)*[a-z]?/g) ?? [""];
      return found.map((place) => ({ page, place }));
    },
  );
}

/** Whether a page has a heading or a row of a table with this number. */
export function hasPlace(page: string, place: string): boolean {
  if (place === "") return true;
  const number = place.replaceAll(".", "\\.");
  return new RegExp(`^(#+ ${number}\\.? |\\| ${number} \\|)`, "m").test(page);
}

/** Citations that leave the reader to search: a page without its path, a decision without its page. */
export function vagueCitationsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w/.-])[\w-]+\.md\b|\bdecision [EP]?\d+/g)].map(([found]) => found);
}
