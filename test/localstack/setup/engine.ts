/** A dockerd of the tests' own. It is started in their namespaces, with which it and its containers end. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { settlesWithin, systemClock } from "../../../src/clock.ts";
import { docker } from "../support/docker.ts";
import { CannotSetUp, lastWords } from "./command.ts";
import { controlGroups, directory, dockerSocket, runDirectory, runIdVariable } from "./places.ts";

/** Milliseconds dockerd may take to serve. */
const startLimitMs = 60_000;

/** Milliseconds dockerd may take to end. */
const stopLimitMs = 20_000;

/** Where containers find LocalStack: dockerd's end of their bridge. */
export const bridgeAddress = "172.17.0.1";

/** Starts dockerd, without containers that an earlier run left. @throws CannotSetUp where it does not come up */
export async function startEngine(): Promise<Bun.Subprocess> {
  const logFile = `${runDirectory}/dockerd.log`;
  const log = openSync(logFile, "w");
  const places = ["--data-root", `${directory}/docker`, "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid"];
  const addresses = ["--host", `unix://${dockerSocket}`, "--bip", `${bridgeAddress}/16`];
  const group = ["--cgroup-parent", `/${controlGroups}${process.env[runIdVariable]}`];
  const engine = Bun.spawn(["dockerd", ...places, ...addresses, ...group], {
    stdin: "ignore",
    stdout: log,
    stderr: log,
  });
  closeSync(log);
  try {
    await whenServing(engine, logFile);
    await removeContainers();
    return engine;
  } catch (error) {
    engine.kill("SIGKILL");
    throw error;
  }
}

async function whenServing(engine: Bun.Subprocess, logFile: string): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  while (!(await isServing())) {
    if (engine.exitCode !== null || engine.signalCode !== null || performance.now() > deadline)
      throw new CannotSetUp(`dockerd did not start: ${lastWords(readFileSync(logFile, "utf8"))}`);
    await Bun.sleep(200);
  }
}

async function isServing(): Promise<boolean> {
  return await docker("version").then(
    () => true,
    () => false,
  );
}

/**
 * Ends all containers, then dockerd: killed instead, it would keep what it has of them. Never rejects: what does not end
 * in time ends with the namespaces.
 */
export async function stopEngine(engine: Bun.Subprocess): Promise<void> {
  if (engine.exitCode === null) await removeContainers().catch(() => {});
  engine.kill("SIGTERM");
  await settlesWithin(systemClock, stopLimitMs, engine.exited);
}

async function removeContainers(): Promise<void> {
  const containers = (await docker("ps", "--all", "--quiet")).split("\n").filter(Boolean);
  if (containers.length > 0) await docker("rm", "--force", ...containers);
}
