/** The availability zone told to a function that asks the metadata endpoint, where nobody named one. */

/** What a region that is none of AWS's form gets: the first zone of us-east-1. */
const fallback = "use1-az1";

/** They are two letters, as two words are. */
const twoWords: readonly string[] = ["northeast", "northwest", "southeast", "southwest"];

/**
 * Without expressions, which take a hundredth of every start when they are first used.
 * @returns the id of the region's first zone: `use1-az1` for us-east-1, `apse2-az1` for ap-southeast-2
 */
export function defaultZoneId(region: string): string {
  const words = region.split("-");
  const number = words.pop() ?? "";
  if (words.length < 2 || !isBetween(number, "0", "9")) return fallback;
  let id = "";
  for (const word of words) {
    if (!isBetween(word, "a", "z")) return fallback;
    if (id === "") id = word;
    else id += words.length === 2 && twoWords.includes(word) ? `${word[0]}${word[5]}` : word[0];
  }
  return `${id}${number}-az1`;
}

/** Whether it has characters, and only such from `first` to `last`. */
function isBetween(text: string, first: string, last: string): boolean {
  for (const character of text) if (character < first || character > last) return false;
  return text !== "";
}
