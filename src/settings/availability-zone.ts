/** The availability zone told to a function that asks the metadata endpoint, where nobody named one. */

/** What a region that is none of AWS's form gets: the first zone of us-east-1. */
const fallback = "use1-az1";

/** @returns the id of the region's first zone: `use1-az1` for us-east-1, `apse2-az1` for ap-southeast-2 */
export function defaultZoneId(region: string): string {
  const parts = /^([a-z]+)-([a-z-]+)-(\d+)$/.exec(region);
  if (!parts) return fallback;
  const [, area, direction, number] = parts as unknown as [string, string, string, string];
  // north-east is two letters, as in two words.
  const initials = direction
    .replace(/^(north|south)(east|west)$/, "$1-$2")
    .split("-")
    .map((word) => word[0]);
  return `${area}${initials.join("")}${number}-az1`;
}
