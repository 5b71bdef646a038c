/** The notices of third parties: everything of others that is in the binary, with its licence. */
import type { BunParts } from "./bun.ts";
import { licencesIn, textOf } from "./licence-texts.ts";
import type { BundledPackage } from "./packages.ts";
import type { Part } from "./part.ts";

/**
 * @param name of the program, with its version
 * @throws {Error} a licence without a text
 */
export function noticesText(name: string, packages: readonly BundledPackage[], bun: BunParts): string {
  const parts = [...bun.libraries, ...bun.polyfills, ...bun.crates];
  const ids = [...new Set([...parts.flatMap(({ licence }) => licencesIn(licence)), ...bunItself])].sort();
  return [
    heading(`Third-party notices of ${name}`),
    introduction,
    heading("1. npm packages"),
    ...packages.map((one) => `${title(one)}\n\n${indent(one.text)}\n`),
    heading("2. Bun"),
    aboutBun(bun),
    heading("3. Libraries in Bun"),
    ...bun.libraries.map(entry),
    heading("4. npm packages in Bun"),
    ...bun.polyfills.map(entry),
    heading("5. Rust crates in Bun"),
    aboutCrates,
    ...bun.crates.map(entry),
    heading("6. Texts of the licences"),
    ...ids.map((id) => `--- ${id}\n\n${textOf(id)}\n`),
  ].join("\n");
}

/** Of Bun's own sources. */
const bunItself = ["MIT"];

const introduction = `The binary is the program itself (Apache-2.0), npm packages in one bundle with it, and Bun, the JavaScript
runtime that runs them. Each of these is under its own licence. Where a licence is offered beside others, Apache-2.0 or MIT is
the one that is used here; of any other choice the first that is named.
`;

const aboutCrates = `Bun's sources name these for Linux. Those without a line of copyright are used under Apache-2.0.
`;

function aboutBun({ version, commit, libraries }: BunParts): string {
  const commitOf = (start: string) => libraries.find(({ name }) => name.startsWith(start))?.version;
  return `Bun ${version}, MIT, Copyright (c) Oven and the authors of Bun.
Sources: https://github.com/oven-sh/bun, commit ${commit}.
The executable is changed in some places: the table in build.ts names each, with what stands there instead and why.

Bun is linked with libraries under the LGPL. Their sources:
  JavaScriptCore and WTF: https://github.com/oven-sh/WebKit, commit ${commitOf("WebKit")}
  TinyCC: https://github.com/oven-sh/tinycc, commit ${commitOf("tinycc")}
To use changed ones: build Bun from its sources with them, as its page on licences says (https://bun.com/docs/project/license),
and this program from its own with that Bun, by the setting \`executablePath\` beside \`outfile\` in build.ts.
What is under the MPL-2.0 (below) is in the public registry of Rust crates under the names given, and in Bun's own sources.
`;
}

function entry(part: Part): string {
  return [title(part), ...(part.copyright ?? []).map((line) => `    ${line}`), ""].join("\n");
}

function title({ name, version, licence, url }: Part): string {
  return `${name}${version === undefined ? "" : ` ${version}`}: ${licence}${url === undefined ? "" : `\n    ${url}`}`;
}

function heading(text: string): string {
  return `${text}\n${"=".repeat(text.length)}\n`;
}

function indent(text: string): string {
  return text.replaceAll("\r", "").replace(/^(?=.)/gm, "    ");
}
