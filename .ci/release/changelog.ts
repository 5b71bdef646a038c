/**
 * Prints what the changelog says of the version that a tag names, for the text of a hosted release:
 *
 *     bun .ci/release/changelog.ts v1.2.3
 */
import packageJson from "../../package.json" with { type: "json" };

/**
 * @param tag the version behind a `v`
 * @throws {Error} the tag names another version than package.json, or its section is missing or still unreleased
 */
export function releaseNotes(changelog: string, version: string, tag: string): string {
  if (tag !== `v${version}`) {
    throw new Error(
      `the tag is ${tag}, the version in package.json ${version}: tag v${version}, or set the version first`,
    );
  }
  const [, heading, text] =
    new RegExp(`^## (${RegExp.escape(version)}(?: .*)?)\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(changelog) ??
    [];
  if (text === undefined || text.trim() === "") throw new Error(`the changelog has no section ${version}: write one`);
  if (heading?.includes("unreleased")) {
    throw new Error(`the changelog says "${heading}": put the date in the place of "unreleased" before the tag`);
  }
  return `${text.trim()}\n`;
}

if (import.meta.main) {
  const changelog = await Bun.file(new URL("../../CHANGELOG.md", import.meta.url)).text();
  process.stdout.write(releaseNotes(changelog, packageJson.version, process.argv[2] ?? ""));
}
