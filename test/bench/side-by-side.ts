/** Starts the binaries that are compared, each in a network of its own. */
import { CallbackReceiver } from "./callback-receiver.ts";
import { Environment, type StartOptions } from "./environment.ts";
import type { Network } from "./network.ts";
import { orderOf } from "./turns.ts";

export type EnvironmentKind = Pick<StartOptions, "runtimeFails" | "extension">;

export class SideBySide {
  readonly #places: readonly { readonly network: Network; readonly receiver: CallbackReceiver }[];

  /**
   * @param binaries paths, ours first
   * @param networks at least as many as there are binaries
   */
  constructor(
    readonly binaries: readonly string[],
    private readonly runtimeCommand: readonly string[],
    networks: readonly Network[],
  ) {
    this.#places = networks.map((network) => ({ network, receiver: new CallbackReceiver(network) }));
  }

  /**
   * @param pair from pair to pair the binaries change networks: whatever a place has of its own meets both
   * @param index which of the binaries
   */
  start(pair: number, index: number, kind: EnvironmentKind = {}): Environment {
    const place = this.#places[(pair + index) % this.#places.length];
    const binary = this.binaries[index];
    if (!place || binary === undefined) throw new Error(`there is no binary ${index}, or no network for it`);
    return new Environment({ ...kind, ...place, binary, runtimeCommand: this.runtimeCommand });
  }

  /** One environment of each binary, started at once and ready, for as long as `action` takes. */
  async together(
    pair: number,
    kind: EnvironmentKind,
    action: (environments: readonly Environment[]) => Promise<void>,
  ): Promise<void> {
    const environments: Environment[] = [];
    for (const index of orderOf(pair, this.binaries.length)) environments[index] = this.start(pair, index, kind);
    try {
      await Promise.all(environments.map((environment) => environment.ready()));
      await action(environments);
    } finally {
      await Promise.all(environments.map((environment) => environment.stop()));
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#places.map(({ receiver }) => receiver.stop()));
  }
}
