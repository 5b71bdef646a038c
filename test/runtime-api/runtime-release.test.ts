import { describe, expect, test } from "bun:test";
import { RuntimeRelease } from "../../src/runtime-api/runtime-release.ts";

type Sent = { agent?: string; features?: string };

function releaseAfter(requests: Sent[]): string {
  const release = new RuntimeRelease();
  for (const { agent, features } of requests) {
    const headers = new Headers();
    if (agent !== undefined) headers.set("User-Agent", agent);
    if (features !== undefined) headers.set("Lambda-Runtime-Features", features);
    release.observe(headers);
  }
  return release.text;
}

const agent = "aws-lambda-nodejs/22";

describe("the release", () => {
  const cases: [what: string, requests: Sent[], text: string][] = [
    ["is empty before any request", [], ""],
    ["is empty while nothing is told", [{}, { agent: "" }, { agent: "  " }], ""],
    ["is the first word of the user agent", [{ agent: `${agent} more (x)` }], agent],
    ["is the first user agent's", [{ agent }, { agent: "other/1" }], agent],
    ["comes from the first request that tells one", [{}, { agent }], agent],
    ["has the features behind it", [{ agent, features: "a b" }], `${agent} (a b)`],
    ["has features without parentheses", [{ agent, features: "(a) ((b" }], `${agent} (a b)`],
    ["has features told later", [{ agent }, { features: "a" }], `${agent} (a)`],
    ["has features told later beside another agent", [{ agent }, { agent: "other/1", features: "a" }], `${agent} (a)`],
    ["has features once", [{ agent, features: "a" }, { features: "b" }], `${agent} (a)`],
    ["is unknown when only features are told", [{ features: "a  b\tc" }], "Unknown (a b c)"],
    ["takes no features of blanks and parentheses", [{ agent, features: " () " }], agent],
  ];

  test.each(cases)("%s", (_what, requests, text) => {
    expect(releaseAfter(requests)).toBe(text);
  });
});

describe("the release has at most 128 bytes", () => {
  const name = "n".repeat(100);
  const room = 128 - name.length - " ()".length;

  test.each([
    ["features that fit exactly", "f".repeat(room), ` (${"f".repeat(room)})`],
    ["a feature that is one too long", "f".repeat(room + 1), ""],
    ["a later, shorter one", `${"f".repeat(room + 1)} s`, " (s)"],
    ["one between two that fit", `a ${"f".repeat(room)} b`, " (a b)"],
    ["two that fit only with no blank between them", `${"a".repeat(room - 1)} b`, ` (${"a".repeat(room - 1)})`],
  ])("%s", (_what, features, behind) => {
    expect(releaseAfter([{ agent: name, features }])).toBe(name + behind);
  });
});
