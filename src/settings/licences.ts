/** The notices of third parties, for `--licenses`: a file that the build makes and puts into the binary. */

/**
 * Writes them to stdout, in the reader's own time: a pager takes a page at a time, and may be left before the end.
 * @throws {Error} this is no built binary
 */
export async function showThirdPartyNotices(): Promise<void> {
  const { default: path } = await import("../../dist/THIRD-PARTY-NOTICES.txt", { with: { type: "file" } });
  const text = await Bun.file(path).text();
  await Bun.write(Bun.stdout, text).catch(() => {});
}
