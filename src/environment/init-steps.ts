/** The steps of init, in their order: each begins when the one before is complete. */
import type { Extension } from "./extensions/extension.ts";
import type { Extensions } from "./extensions/extensions.ts";

/** What is known while init runs. */
export interface InitFacts {
  readonly extensions: Extensions;
  /** The runtime asked for its first event, or for its restore. */
  readonly hasRuntimeAsked: boolean;
}

export interface InitStep {
  readonly name: "extensions register" | "runtime starts" | "extensions poll";
  readonly isComplete: (facts: InitFacts) => boolean;
  /** Who holds it up, as the end of a sentence; `undefined`: no extension does. */
  readonly waitsFor: (facts: InitFacts) => string | undefined;
}

export const initSteps: readonly InitStep[] = [
  {
    name: "extensions register",
    isComplete: ({ extensions }) => extensions.unregistered.length === 0,
    waitsFor: ({ extensions }) => named(extensions.unregistered, "register under the name of its file"),
  },
  {
    name: "runtime starts",
    isComplete: ({ hasRuntimeAsked }) => hasRuntimeAsked,
    waitsFor: () => undefined,
  },
  {
    name: "extensions poll",
    isComplete: ({ extensions }) => extensions.unready.length === 0,
    waitsFor: ({ extensions }) => named(extensions.unready, "ask for its first event"),
  },
];

/** @returns these extensions and what they have yet to do; `undefined` when there are none */
export function named(extensions: readonly Extension[], what: string): string | undefined {
  if (extensions.length === 0) return undefined;
  return `the extension ${extensions.map(({ name }) => name).join(", ")} to ${what}`;
}
