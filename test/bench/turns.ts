/** Who comes when: A B, B A, A B …, so that neither always comes first, or always behind the other. */

/** @returns the places of the binaries in the order of this pair */
export function orderOf(pair: number, binaries: number): number[] {
  const order = Array.from({ length: binaries }, (_, index) => index);
  return pair % 2 === 0 ? order : order.reverse();
}

/** @returns what `action` gave for each, in the order of `all` */
export async function inTurn<S, T>(
  pair: number,
  all: readonly S[],
  action: (each: S, index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const index of orderOf(pair, all.length)) results[index] = await action(all[index] as S, index);
  return results;
}
