/** The steps of init, one by one; how an environment goes through them is in `init.test.ts`. */
import { describe, expect, test } from "bun:test";
import { Extensions } from "../../src/environment/extensions/extensions.ts";
import { initSteps, named } from "../../src/environment/init-steps.ts";
import { oneAtATime } from "../../src/environment/policy.ts";

/** External extensions, each as far as `done` says: registered, polling. */
function extensionsWith(done: Readonly<Record<string, "nothing" | "registered" | "polls">>): Extensions {
  const extensions = new Extensions(oneAtATime, () => {});
  for (const [name, what] of Object.entries(done)) {
    const extension = extensions.expect(name);
    if (what !== "nothing") extensions.register(name, []);
    if (what === "polls") void extension.next(new AbortController().signal);
  }
  return extensions;
}

type Row = [done: Parameters<typeof extensionsWith>[0], hasRuntimeAsked: boolean, complete: string, waitsFor?: string];

const rows: Row[] = [
  [{}, false, "extensions register, extensions poll"],
  [{}, true, "extensions register, runtime starts, extensions poll"],
  [{ a: "nothing" }, false, "", "the extension a to register under the name of its file"],
  [{ a: "nothing", b: "nothing" }, false, "", "the extension a, b to register under the name of its file"],
  [{ a: "polls", b: "nothing" }, true, "runtime starts", "the extension b to register under the name of its file"],
  [{ a: "registered" }, false, "extensions register"],
  [
    { a: "registered", b: "polls" },
    true,
    "extensions register, runtime starts",
    "the extension a to ask for its first event",
  ],
  [{ a: "polls", b: "polls" }, false, "extensions register, extensions poll"],
  [{ a: "polls", b: "polls" }, true, "extensions register, runtime starts, extensions poll"],
];

describe.each(rows)(
  "with the extensions %j, and a runtime that has asked: %p,",
  (done, hasRuntimeAsked, complete, who) => {
    const facts = { extensions: extensionsWith(done), hasRuntimeAsked };

    test(`complete: ${complete || "nothing"}`, () => {
      const names = initSteps.filter((step) => step.isComplete(facts)).map(({ name }) => name);
      expect(names.join(", ")).toBe(complete);
    });

    test(`the first step that is not complete waits for ${who ?? "no extension"}`, () => {
      expect(initSteps.find((step) => !step.isComplete(facts))?.waitsFor(facts)).toBe(who as string);
    });
  },
);

test("the runtime starts when the extensions have registered, which poll last", () => {
  expect(initSteps.map(({ name }) => name)).toEqual(["extensions register", "runtime starts", "extensions poll"]);
});

test("nobody is named where there is nobody", () => {
  expect(named([], "do something")).toBeUndefined();
});
