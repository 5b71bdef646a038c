/** The text of `--help`, from the tables of flags and variables. */
import { flags } from "./command-line.ts";
import { awsFlags, installFlags, ownFlags } from "./emulator-flags.ts";
import { emulatorSettings } from "./emulator-settings.ts";
import type { FlagTable } from "./flags.ts";
import type { Table } from "./setting.ts";
import { settings } from "./settings.ts";

/** Characters of the column of names. */
const column = 40;

export function helpText(version: string): string {
  return `lambda-runtime-init ${version}: runs a Lambda function, its runtime and extensions, as AWS does.

Usage: aws-lambda-rie [flags] [command of the runtime and its arguments]
Without a command, the runtime is the first bootstrap found in /var/task, /opt and /var/runtime.

With ${settings.runtimeEndpoint.variable} and ${settings.runtimeId.variable} in the environment it is the init
process of LocalStack's containers; without both it is an emulator of the Lambda API, to be called by SDKs.

TO PUT IT INTO LOCALSTACK
${flagRows(installFlags)}

FLAGS OF THE EMULATOR, before the command
${flagRows(ownFlags)}

FLAGS OF AWS'S OWN EMULATOR, in any place
${flagRows(awsFlags)}

VARIABLES OF THE EMULATOR
${rows(emulatorSettings)}

FLAGS IN LOCALSTACK, before the command
${flagRows(flags)}

VARIABLES IN LOCALSTACK
${rows(settings)}
`;
}

function flagRows(table: FlagTable): string {
  return Object.values(table)
    .map(({ flag, short, placeholder, help }) => {
      const names = `${flag}${short === undefined ? "" : `, ${short}`}${placeholder === undefined ? "" : ` ${placeholder}`}`;
      return row(names, help);
    })
    .join("\n");
}

function rows(table: Table): string {
  return Object.values(table)
    .map(({ variable, orElse, allowed, whenAbsent, isRequired }) => {
      const standIn = whenAbsent === undefined || whenAbsent === "" ? "" : ` (default ${JSON.stringify(whenAbsent)})`;
      const names = orElse === undefined ? variable : `${variable}, ${orElse}`;
      return row(names, `${allowed}${isRequired ? " (required)" : standIn}`);
    })
    .join("\n");
}

function row(name: string, text: string): string {
  return name.length < column ? `  ${name.padEnd(column)}${text}` : `  ${name}\n  ${" ".repeat(column)}${text}`;
}
