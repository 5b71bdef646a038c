/** Inits that were made to be wrong, to see that the tests notice. They are built from a changed copy of the sources. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { run } from "../setup/command.ts";
import { binary, directory, repository, wrongBinaries } from "../setup/places.ts";

/** A change to one file of `src/`. */
export interface Wrong {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

const frontend = "src/frontend/localstack/frontend.ts";

/** As the Go init does, it tells nothing of a runtime that ends before it has asked for its first event. */
export const silent: Wrong = {
  name: "silent",
  file: frontend,
  from: "    const status = await toStartStatus(",
  to: `    if (outcome.kind === "fault" && outcome.fault.type === "Runtime.ExitError") return;
    const status = await toStartStatus(`,
};

/** @param which an expression for the index of the line to leave out, among `lines` of a text log */
function forgets(name: string, which: string): Wrong {
  return {
    name,
    file: frontend,
    from: "callbacks.invocation(requestId, logs, result)",
    to: `callbacks.invocation(requestId, { ...logs, pieces: [(() => {
      const lines = Buffer.concat([...logs.pieces]).toString().split("\\\\n");
      lines.splice(${which}, 1);
      return Buffer.from(lines.join("\\\\n"));
    })()] }, result)`,
  };
}

/** What the function wrote just before it answered is lost. */
export const losesTheLastLine = forgets("no-last-line", 'lines.findLastIndex((line) => line.startsWith("END ")) - 1');

/** The log has no REPORT, which is its very last line. */
export const losesTheReport = forgets("no-report", "-2");

/** Builds it as ours is built. @returns the path of the binary */
export async function buildWrong({ name, file, from, to }: Wrong): Promise<string> {
  const copy = `${wrongBinaries}/${name}`;
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const part of readdirSync(repository)) {
    const path = `${repository}/${part}`;
    if (["node_modules", "dist", ".git"].includes(part) || directory.startsWith(`${path}/`)) continue;
    cpSync(path, `${copy}/${part}`, { recursive: true });
  }
  symlinkSync(`${repository}/node_modules`, `${copy}/node_modules`);
  const parts = readFileSync(`${copy}/${file}`, "utf8").split(from);
  if (parts.length !== 2)
    throw new Error(`${file} has ${JSON.stringify(from)} ${parts.length - 1} times: mend ${name}`);
  writeFileSync(`${copy}/${file}`, parts.join(to));
  const { code, output } = await run([process.execPath, "run", "build.ts", "--host"], { seconds: 120, cwd: copy });
  if (code !== 0) throw new Error(`the binary ${name} could not be built: ${output}`);
  return `${copy}/dist/${binary.slice(binary.lastIndexOf("/") + 1)}`;
}
