/** What package-lock.json says of the packages, as npm 7 and later write it. */

export interface LockedPackage {
  readonly version: string;
  /** Such as `sha512-…`, of the packed file. */
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** By directory, such as `node_modules/hono`; `""` is the project itself. */
export type LockFile = { readonly packages: Readonly<Record<string, LockedPackage>> };

/** `node_modules/a/node_modules/@b/c` is `@b/c`. */
export function nameOf(directory: string): string {
  return directory.slice(directory.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** The directories of what a package depends on: the nearest of each name, as Node.js finds them. */
export function dependenciesOf({ packages }: LockFile, directory: string): string[] {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = packages[directory] ?? {};
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, ...devDependencies });
  return names.flatMap((name) => {
    for (let from = directory; ; from = from.slice(0, Math.max(from.lastIndexOf("/node_modules/"), 0))) {
      const found = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
      if (found in packages) return [found];
      // An optional one that was not installed for any system.
      if (from === "") return [];
    }
  });
}
