/** Something of others that is in the binary. */
export interface Part {
  readonly name: string;
  /** An SPDX expression; of alternatives the notices choose. */
  readonly licence: string;
  /** The lines that the licence wants to be repeated. */
  readonly copyright?: readonly string[];
  /** A version or a commit, where it is known. */
  readonly version?: string;
  /** Where its sources are. */
  readonly url?: string;
}

/** A row of a table of parts: licence, then the copyright lines. */
export type Row = readonly [licence: string, ...copyright: string[]];
