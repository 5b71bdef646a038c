/**
 * A program that watches, for tests of what only a process of its own can show: `watching-process STRATEGY PATH`.
 * It says `ready`, then `changed` at every call. On its stdin, `run COMMAND` runs a shell command where it runs (and is
 * answered by `done`), `stop` ends the watching, after which nothing may keep the process alive.
 */
import { systemClock } from "../../src/clock.ts";
import { type WatchOptions, watchForChanges } from "../../src/hot-reload/watch.ts";

const [strategy, path] = process.argv.slice(2) as [WatchOptions["strategy"], string];
const say = (word: string) => process.stdout.write(`${word}\n`);
const watching = watchForChanges({ paths: [path], strategy, clock: systemClock, onChange: () => say("changed") });
await watching.ready;
say("ready");

for await (const line of console) {
  if (line === "stop") break;
  Bun.spawnSync(["sh", "-ec", line.replace(/^run /, "")], { stdio: ["ignore", "ignore", "inherit"] });
  say("done");
}
watching.stop();
