/** Looking into `/proc` when descriptors are used up. */
import fs from "node:fs";

/** A descriptor in reserve. When none is left it is closed for a moment: without a look nothing could be ended. */
let spare = reserve();

/** Reads something in `/proc`. @returns `otherwise` when the process ended meanwhile */
export function read<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EMFILE" ? readWithSpare(action, otherwise) : otherwise;
  }
}

function readWithSpare<T>(action: () => T, otherwise: T): T {
  spare ??= reserve();
  if (spare !== undefined) fs.closeSync(spare);
  try {
    return action();
  } catch {
    return otherwise;
  } finally {
    spare = reserve();
  }
}

/** `undefined`: another part of the program was quicker. */
function reserve(): number | undefined {
  try {
    return fs.openSync("/dev/null", "r");
  } catch {
    return undefined;
  }
}
