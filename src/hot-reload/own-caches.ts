/**
 * What a running function writes beside its code by itself: Python's compiled modules. A reload because of them would
 * write them anew, and so on for ever.
 * @param path of a changed file, or a single name of it
 */
export function isOwnCache(path: string): boolean {
  return path.endsWith(".pyc") || path.split("/").includes("__pycache__");
}
