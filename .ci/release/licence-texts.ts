/** The standard texts of licences, by SPDX expressions. */
import parseExpression, { type Info } from "spdx-expression-parse";
import licences from "spdx-license-list/full.js";

/** Of alternatives the first that is offered counts; without one of these, the left one. */
const preferred = ["Apache-2.0", "MIT"];

/** What the list of licences calls otherwise: an exception is a text of its own there. */
const exceptions: Readonly<Record<string, string>> = { "GCC-exception-3.1": "GPL-3.0-with-GCC-exception" };

/**
 * The licences that apply, with those chosen from alternatives, in alphabetical order.
 * @throws {Error} the expression is none
 */
export function licencesIn(expression: string): string[] {
  return [...new Set(chosen(parseExpression(expression)))].sort();
}

function chosen(info: Info): string[] {
  if ("license" in info) return "exception" in info && info.exception ? [info.license, info.exception] : [info.license];
  const left = chosen(info.left);
  const right = chosen(info.right);
  if (info.conjunction === "and") return [...left, ...right];
  const rank = (ids: readonly string[]) => {
    const at = ids.length === 1 ? preferred.indexOf(ids[0] as string) : -1;
    return at < 0 ? preferred.length : at;
  };
  return rank(right) < rank(left) ? right : left;
}

/**
 * @param id of a licence or an exception
 * @throws {Error} there is no text
 */
export function textOf(id: string): string {
  const text = licences[exceptions[id] ?? id]?.licenseText;
  if (text === undefined) throw new Error(`there is no text of the licence ${id}: is it an SPDX id?`);
  return text.trim();
}
