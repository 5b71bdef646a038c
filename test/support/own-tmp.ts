import { dirname } from "node:path";

const repository = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/**
 * Shell commands that put a directory in the place of /tmp, in a mount namespace of their own. A checkout that lies below
 * /tmp itself stays where it is.
 */
export function ownTmp(directory: string): string {
  const needed = [repository, dirname(process.execPath)].filter(
    (path, at) => path.startsWith("/tmp/") && (at === 0 || !path.startsWith(`${repository}/`)),
  );
  const keep = needed.map((path) => {
    const place = `${directory}${path.slice("/tmp".length)}`;
    return `mkdir -p '${place}' && mount --bind '${path}' '${place}' && `;
  });
  return `${keep.join("")}mount --rbind '${directory}' /tmp`;
}
