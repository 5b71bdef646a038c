import { describe, expect, test } from "bun:test";
import { OriginRules } from "../../../src/frontend/emulator/origin.ts";

const asked = (host: string) => ({ headers: new Headers({ host }) }) as Request;

describe("T64: what only a browser asks for", () => {
  test.each([
    ["localhost:8080", []],
    ["localhost", []],
    ["app.localhost:8080", []],
    ["127.0.0.1:8080", []],
    ["192.168.1.7:8080", []],
    ["[::1]:8080", []],
    ["dev.example:8080", ["https://dev.example"]],
  ])("is given to whoever calls us %s", (host, cors) => {
    expect(() => new OriginRules(cors).checkHost(asked(host))).not.toThrow();
  });

  test.each([["evil.example"], ["localhost.evil.example"], ["127.0.0.1.evil.example:8080"], [""], ["a b"]])(
    "is refused to whoever calls us %j",
    (host) => {
      expect(() => new OriginRules(["*", "https://dev.example"]).checkHost(asked(host))).toThrow(
        "is not known as a name",
      );
    },
  );
});
