/** Who is expected, who has registered, who has yet to poll. Every refusal is in `test/runtime-api`. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Extension } from "../../../src/environment/extensions/extension.ts";
import { Extensions, maxExtensions } from "../../../src/environment/extensions/extensions.ts";
import { oneAtATime } from "../../../src/environment/policy.ts";
import { invocationOf } from "../../runtime-api/fixture.ts";
import { type CaughtLines, catchLines } from "../../support/log-lines.ts";

let extensions: Extensions;
let changes = 0;

beforeEach(() => {
  changes = 0;
  extensions = new Extensions(oneAtATime, () => void changes++);
});

const names = (list: readonly Extension[]) => list.map(({ name }) => name);

function ask(extension: Extension): void {
  void extension.next(new AbortController().signal).catch(() => {});
}

describe("an external extension", () => {
  test("is one and the same from its expectation to its registration", () => {
    const expected = extensions.expect("a");
    expect(expected.isExternal).toBe(true);
    expect(extensions.register("a", [])).toBe(expected);
    expect(extensions.all).toEqual([expected]);
  });

  test("may register when the window is closed and the list full", () => {
    for (let at = 0; at < maxExtensions; at++) extensions.expect(`e${at}`);
    extensions.closeRegistration();
    expect(extensions.register("e9", ["SHUTDOWN"]).state).toBe("Registered");
  });

  test("is known by its identifier only when it was told it", () => {
    const { id } = extensions.expect("a");
    expect(extensions.withId(id)).toBeUndefined();
    const registered = extensions.register("a", []);
    expect(extensions.withId(id)).toBe(registered);
    expect(extensions.withId(id.toUpperCase())).toBeUndefined();
  });
});

describe("an internal extension", () => {
  test("is there from its registration on", () => {
    const inside = extensions.register("inside", ["INVOKE"]);
    expect([inside.isExternal, inside.state]).toEqual([false, "Registered"]);
    expect(extensions.withId(inside.id)).toBe(inside);
  });

  test("that is refused is not there", () => {
    expect(() => extensions.register("inside", ["SHUTDOWN"])).toThrow();
    expect(() => extensions.register("inside", ["NOTHING"])).toThrow();
    extensions.closeRegistration();
    expect(() => extensions.register("inside", [])).toThrow();
    expect([extensions.all, changes]).toEqual([[], 0]);
  });

  test("is in the list before its registration is told: whoever hears of it finds it", () => {
    const heard: string[][] = [];
    const told: Extensions = new Extensions(oneAtATime, () => void heard.push(names(told.all)));
    told.register("inside", []);
    expect(heard).toEqual([["inside"]]);
  });
});

describe("the lists of those who are waited for", () => {
  test("follow registration, polls and work", () => {
    const [a, b] = [extensions.expect("a"), extensions.expect("b")];
    const lists = () => [extensions.unregistered, extensions.unready, extensions.busy].map(names);
    expect(lists()).toEqual([["a", "b"], ["a", "b"], []]);
    extensions.register("a", ["INVOKE"]);
    extensions.register("b", ["SHUTDOWN"]);
    extensions.register("inside", ["INVOKE"]);
    expect(lists()).toEqual([[], ["a", "b", "inside"], ["a", "inside"]]);
    for (const extension of extensions.all) ask(extension);
    expect(lists()).toEqual([[], [], []]);
    for (const extension of extensions.all) extension.dispatch({ kind: "invoke", invocation: invocationOf() });
    // Who did not subscribe is nobody to wait for.
    expect(lists()[2]).toEqual(["a", "inside"]);
    ask(a);
    expect(lists()[2]).toEqual(["inside"]);
    a.report("exitError", "Fatal.Why");
    expect(lists()[2]).toEqual(["a", "inside"]);
    b.report("exitError", "Fatal.Why");
    expect(lists()[2]).toEqual(["a", "inside"]);
  });

  test("have one that could not be started as one that has not registered", () => {
    extensions.expect("a").launchFailed();
    expect(names(extensions.unregistered)).toEqual(["a"]);
  });
});

describe("a name that is no file's", () => {
  let caught: CaughtLines;

  beforeEach(() => {
    caught = catchLines();
  });

  afterEach(() => caught.release());

  test("is told in the log, with those who are still expected", () => {
    for (const name of ["a", "b", "c"]) extensions.expect(name);
    extensions.register("b", []);
    extensions.register("a.sh", []);
    expect(caught.lines).toEqual([
      "an extension registers as a.sh, which is not the name of its file: still expected are a, c",
    ]);
  });

  test("is an internal extension's, and no news, when all files have registered", () => {
    extensions.expect("a");
    extensions.register("a", []);
    extensions.register("inside", []);
    expect(caught.lines).toEqual([]);
  });
});
