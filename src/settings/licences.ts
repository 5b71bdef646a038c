/** The notices of third parties, for `--licenses`: a file that the build makes and puts into the binary. */

export async function thirdPartyNotices(): Promise<string> {
  const { default: path } = await import("../../dist/THIRD-PARTY-NOTICES.txt", { with: { type: "file" } });
  return await Bun.file(path).text();
}
