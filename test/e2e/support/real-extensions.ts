/** Lambda extensions others wrote and published, unmodified, built once into the cache the runtime clients are in. */
import { cache, type Installed, install, npmInstall, whyMissing } from "./clients.ts";

export interface RealExtension extends Installed {
  /** What its layer has below `/opt`, and where that lies once it is installed. */
  readonly layer: (directory: string) => Record<string, string>;
}

/** Registers for both events, subscribes to the Telemetry API over HTTP, and sends what it hears on as OTLP. */
export const otelExtension: RealExtension = {
  name: "opentelemetry-lambda-extension 0.2.0 (crates.io)",
  directory: `${cache}/opentelemetry-lambda-extension-0.2.0`,
  install: (directory) => cargoInstall("opentelemetry-lambda-extension@0.2.0", directory),
  layer: (directory) => ({
    "extensions/opentelemetry-lambda-extension": `${directory}/bin/opentelemetry-lambda-extension`,
  }),
};

/** AWS's Lambda Web Adapter: registers for no event, and is itself the client of the Runtime API. */
export const webAdapter: RealExtension = {
  name: "lambda_web_adapter 0.9.1 (crates.io)",
  directory: `${cache}/lambda_web_adapter-0.9.1`,
  install: (directory) => cargoInstall("lambda_web_adapter@0.9.1", directory),
  layer: (directory) => ({ "extensions/lambda-adapter": `${directory}/bin/lambda-adapter` }),
};

/** A script that starts Node.js; registers for both events, and does not end by itself when it is told to. */
export const sentryExtension: RealExtension = {
  name: "@sentry/aws-serverless 10.75.2 (npm)",
  directory: `${cache}/sentry-aws-serverless-10.75.2`,
  install: (directory) => npmInstall(directory, "--ignore-scripts", "@sentry/aws-serverless@10.75.2"),
  layer: (directory) => {
    const built = `${directory}/node_modules/@sentry/aws-serverless/build/lambda-extension`;
    return {
      "extensions/sentry-extension": `${built}/sentry-extension`,
      "sentry-extension/index.mjs": `${built}/index.mjs`,
    };
  },
};

/** The files of an extension's layer, by their path below `/opt`; `undefined` where it could not be installed. */
export function layerOf(extension: RealExtension): Record<string, string> | undefined {
  return whyMissing(extension) === undefined ? extension.layer(extension.directory) : undefined;
}

/** Installs all where that is possible. What went wrong is printed; the tests are then skipped by name. */
export async function installRealExtensions(): Promise<void> {
  await Promise.all([otelExtension, webAdapter, sentryExtension].map(install));
}

/** The development profile builds in a third of the time; what is built is the same source. */
function cargoInstall(crate: string, directory: string): string[] {
  const fast = ["--debug", "--config", "profile.dev.debug=false"];
  return ["cargo", "install", "--quiet", "--locked", ...fast, "--root", directory, crate];
}

if (import.meta.main) await installRealExtensions();
