/** How the program is bundled, and what the bundler takes in. */
import type { Inputs } from "./packages.ts";
import { noticesFile } from "./release.ts";

/** For a build in the directory of package.json. */
export const bundle = {
  entrypoints: ["src/main.ts"],
  target: "bun",
  format: "esm",
  // What is imported when it is needed stays out of the start: in one piece with the rest, its imports of Bun's own
  // modules (zlib, streams) would be made at the start, for 3 ms.
  splitting: true,
  minify: true,
  define: {
    // Without this Bun freezes NODE_ENV into the binary at build time.
    "process.env.NODE_ENV": "process.env.NODE_ENV",
  },
} satisfies Bun.BuildConfig;

/** The files that are bundled. The notices are made from their packages, so these need not be there yet. */
export async function bundledFiles(): Promise<Inputs> {
  const { metafile } = await Bun.build({ ...bundle, external: [`*/${noticesFile}`], metafile: true });
  return metafile?.inputs ?? {};
}
