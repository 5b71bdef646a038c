/** What a release is made of, beside the binaries that build.ts makes. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { partsOfBun } from "./bun.ts";
import { checksums, checksumsText } from "./checksums.ts";
import { noticesText } from "./notices.ts";
import { bundledPackages, type Inputs } from "./packages.ts";
import { sbomText } from "./sbom.ts";

export const noticesFile = "THIRD-PARTY-NOTICES.txt";
export const sbomFile = "lambda-runtime-init.cdx.json";
export const checksumsFile = "SHA256SUMS";

/**
 * Writes the notices, which go into the binary, too.
 * @param repository the directory of package.json; the files go into its `dist`
 */
export async function writeNotices(repository: string, inputs: Inputs): Promise<void> {
  const { name, version } = JSON.parse(await readFile(`${repository}/package.json`, "utf8"));
  const packages = await bundledPackages(repository, inputs);
  await mkdir(`${repository}/dist`, { recursive: true });
  const text = noticesText(`${name} ${version}`, packages, await partsOfBun(repository));
  await writeFile(`${repository}/dist/${noticesFile}`, text);
}

/**
 * Writes the SBOM and the checksums of all.
 * @param binaries in `dist`, with the notices beside them
 * @throws {Error} the packages are not in the repository itself
 */
export async function writeSbomAndChecksums(repository: string, inputs: Inputs, binaries: readonly string[]) {
  // The bundler names its pieces after the paths of their sources: with packages elsewhere other bytes come out.
  const outside = Object.keys(inputs).find((path) => path.startsWith("../"));
  if (outside)
    throw new Error(`${outside} is not in the repository, so nobody could build these bytes again: run npm ci`);
  const dist = `${repository}/dist`;
  const { name, version, license, description } = JSON.parse(await readFile(`${repository}/package.json`, "utf8"));
  const packages = await bundledPackages(repository, inputs);
  const text = await sbomText({
    name,
    version,
    licence: license,
    description,
    lockFile: JSON.parse(await readFile(`${repository}/package-lock.json`, "utf8")),
    bundled: packages.map(({ directory }) => directory),
    bun: await partsOfBun(repository),
    binaries: await checksums(dist, binaries),
  });
  await writeFile(`${dist}/${sbomFile}`, text);
  const sums = await checksums(dist, [...binaries, noticesFile, sbomFile]);
  await writeFile(`${dist}/${checksumsFile}`, checksumsText(sums));
}
