import { expect, test } from "bun:test";
import { chooseStrategy } from "../../src/hot-reload/watch.ts";

const linux = "6.8.0-45-generic";
const dockerDesktop = "6.10.14-linuxkit";
const wsl = "5.15.167.4-microsoft-standard-WSL2";

test.each([
  ["auto", linux, "event"],
  ["auto", dockerDesktop, "polling"],
  ["auto", wsl, "polling"],
  ["auto", "", "event"],
  ["event", linux, "event"],
  ["event", dockerDesktop, "event"],
  ["event", wsl, "event"],
  ["polling", linux, "polling"],
  ["polling", dockerDesktop, "polling"],
] as const)("%s on %s is %s", (strategy, release, chosen) => {
  expect(chooseStrategy(strategy, release)).toBe(chosen);
});
