/** Routes that are found by one look into a table: one part of a path at most is a variable. */
import type { Params, Result, Router } from "hono/router";

/** Hono's name for a handler of all methods. */
const everyMethod = "ALL";

const noParams: Params = {};

/**
 * Hono's own routers split each path and each pattern for every request; of these paths, none is matched by two patterns,
 * and handlers take the id from the path themselves, for it is compared as it was sent.
 */
export class TableRouter<T> implements Router<T> {
  name = "TableRouter";
  readonly #routes = new Map<string, Result<T>>();

  /** @param path with `:id` in the place of the last part but one, if it has a variable */
  add(method: string, path: string, handler: T): void {
    if (method !== everyMethod || this.#routes.has(path)) throw new Error(`${method} ${path}: one route for each path`);
    this.#routes.set(path, [[[handler, noParams]]]);
  }

  match(_method: string, path: string): Result<T> {
    return this.#routes.get(path) ?? this.#routes.get(patternOf(path)) ?? [[]];
  }
}

/** `/2018-06-01/runtime/invocation/:id/response` for any id. */
function patternOf(path: string): string {
  const end = path.lastIndexOf("/");
  const start = path.lastIndexOf("/", end - 1) + 1;
  return start < end ? `${path.slice(0, start)}:id${path.slice(end)}` : path;
}
