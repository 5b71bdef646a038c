/** Checksums of files, in the form that `sha256sum -c` reads. */

/** @returns SHA-256 in hexadecimal */
export async function sha256Of(file: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hash.update(chunk);
  return hash.digest("hex");
}

/** One line for each file, in the order of their names. */
export async function checksums(directory: string, files: readonly string[]): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const file of [...files].sort()) sums.set(file, await sha256Of(`${directory}/${file}`));
  return sums;
}

export function checksumsText(sums: ReadonlyMap<string, string>): string {
  return [...sums].map(([file, sum]) => `${sum}  ${file}\n`).join("");
}
