/** The README's tables of settings say what the code does. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { settings } from "../src/settings/settings.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The rows of the first table behind a heading, as lists of cells. */
function tableBelow(heading: string): string[][] {
  const lines = readme.slice(readme.indexOf(`\n${heading}\n`) + 1).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|---"));
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"));
  return lines.slice(start + 1, end).map((line) => line.split(/ ?\| ?/).slice(1, -1));
}

function defaultOf({ whenAbsent, isRequired }: { readonly whenAbsent?: unknown; readonly isRequired: boolean }) {
  if (isRequired) return "required";
  const isNothing = whenAbsent === undefined || whenAbsent === "" || (Array.isArray(whenAbsent) && !whenAbsent.length);
  return isNothing ? "–" : `\`${whenAbsent}\``;
}

test("every setting of LocalStack's mode is in the README, in its order, with its default", () => {
  const expected = Object.values(settings).map((setting) => {
    const { variable, orElse } = setting as { variable: string; orElse?: string };
    return [orElse ? `\`${variable}\`, \`${orElse}\`` : `\`${variable}\``, defaultOf(setting)];
  });
  expect(tableBelow("## Settings").map(([variable, standIn]) => [variable, standIn])).toEqual(expected as string[][]);
});
