import { expect, test } from "bun:test";
import { flags } from "../../src/settings/command-line.ts";
import { awsFlags, installFlags, ownFlags } from "../../src/settings/emulator-flags.ts";
import { emulatorSettings } from "../../src/settings/emulator-settings.ts";
import { helpText } from "../../src/settings/help.ts";
import { settings } from "../../src/settings/settings.ts";

test("names every flag and variable of both modes, and which mode runs when", () => {
  const text = helpText("1.2.3");
  const tables = [flags, awsFlags, ownFlags, installFlags];
  const named = tables.flatMap((table) => Object.values(table).map(({ flag }) => flag as string));
  const variables = [settings, emulatorSettings].flatMap((table) =>
    Object.values(table).map(({ variable }) => variable),
  );
  for (const name of [...named, ...variables, "_HANDLER", "1.2.3"]) expect(text).toContain(name);
  expect(text).toContain("With LOCALSTACK_RUNTIME_ENDPOINT and LOCALSTACK_RUNTIME_ID in the environment");
  expect(text).not.toContain("undefined");
});
