/** Lambda extensions others wrote and published, unmodified, built once into the cache the runtime clients are in. */
import { existsSync } from "node:fs";
import { cache, type Installed, install, whyMissing } from "./clients.ts";

export interface RealExtension extends Installed {
  /** Its file in `/opt/extensions`: what it registers as. */
  readonly fileName: string;
}

/** Registers for both events, subscribes to the Telemetry API over HTTP, and sends what it hears on as OTLP. */
export const otelExtension: RealExtension = {
  name: "opentelemetry-lambda-extension 0.2.0 (crates.io)",
  directory: `${cache}/opentelemetry-lambda-extension-0.2.0`,
  install: (directory) => cargoInstall("opentelemetry-lambda-extension@0.2.0", directory),
  fileName: "opentelemetry-lambda-extension",
};

/** AWS's Lambda Web Adapter: registers for no event, and is itself the client of the Runtime API. */
export const webAdapter: RealExtension = {
  name: "lambda_web_adapter 0.9.1 (crates.io)",
  directory: `${cache}/lambda_web_adapter-0.9.1`,
  install: (directory) => cargoInstall("lambda_web_adapter@0.9.1", directory),
  fileName: "lambda-adapter",
};

/** The built executable; `undefined` where it could not be built. */
export function executableOf(extension: RealExtension): string | undefined {
  const path = `${extension.directory}/bin/${extension.fileName}`;
  return whyMissing(extension) === undefined && existsSync(path) ? path : undefined;
}

/** Builds all where that is possible. What went wrong is printed; the tests are then skipped by name. */
export async function installRealExtensions(): Promise<void> {
  await Promise.all([otelExtension, webAdapter].map(install));
}

/** The development profile builds in a third of the time; what is built is the same source. */
function cargoInstall(crate: string, directory: string): string[] {
  const fast = ["--debug", "--config", "profile.dev.debug=false"];
  return ["cargo", "install", "--quiet", "--locked", ...fast, "--root", directory, crate];
}

if (import.meta.main) await installRealExtensions();
