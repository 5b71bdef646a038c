/** The extensions of one generation of processes: who is expected, who has registered, who has yet to poll. */
import { log } from "../../log.ts";
import { ApiRefusal } from "../api-refusal.ts";
import type { Policy } from "../policy.ts";
import { Extension, type LifecycleEvent } from "./extension.ts";

/** Internal and external ones together (AWS: Extensions API). */
export const maxExtensions = 10;

export class Extensions {
  readonly #all: Extension[] = [];
  #isRegistrationOpen = true;

  /** @param onChange called after each change of any extension's state */
  constructor(
    private readonly policy: Policy,
    private readonly onChange: () => void,
  ) {}

  get all(): readonly Extension[] {
    return this.#all;
  }

  /** Takes up an external extension that is about to be started: nobody else can register under its name. */
  expect(name: string): Extension {
    const extension = new Extension(name, true, this.onChange);
    this.#all.push(extension);
    return extension;
  }

  /**
   * Registers the external extension of this name, or a new internal one. Checks are made in AWS's order.
   * @throws {ApiRefusal}
   */
  register(name: string, events: readonly string[]): Extension {
    const known = this.#all.find((extension) => extension.name === name);
    const asked = toLifecycleEvents(events, known?.isExternal ?? false, this.policy);
    if (known?.isExternal) {
      known.register(asked);
      return known;
    }
    if (!this.#isRegistrationOpen) {
      throw new ApiRefusal(403, "Extension.RegistrationClosed", "Extension registration closed already");
    }
    if (this.#all.length >= maxExtensions) {
      throw new ApiRefusal(403, "Extension.TooManyExtensions", `Extension limit (${maxExtensions}) reached`);
    }
    if (known) {
      throw new ApiRefusal(403, "Extension.InvalidExtensionState", "Extension with this name already registered");
    }
    if (this.unregistered.length > 0) {
      // It cannot be an internal one: those live in the runtime's process, which is started only when all have
      // registered.
      log.warn(
        `an extension registers as ${name}, which is not the name of its file: ` +
          `still expected are ${this.unregistered.map((extension) => extension.name).join(", ")}`,
      );
    }
    const internal = new Extension(name, false, this.onChange);
    this.#all.push(internal);
    internal.register(asked);
    return internal;
  }

  /** @param id as `register` gave it, in lower case */
  withId(id: string): Extension | undefined {
    // Before it has registered nobody was told its id: a request that carries it does not come from the extension.
    return this.#all.find((extension) => extension.id === id && extension.isRegistered);
  }

  /** The runtime asked for its first event: from here on nobody can register. */
  closeRegistration(): void {
    this.#isRegistrationOpen = false;
  }

  /** External extensions that have yet to register before the runtime may start. */
  get unregistered(): readonly Extension[] {
    return this.#all.filter((extension) => !extension.isRegistered);
  }

  /** Extensions that have yet to ask for their first event before init has ended. */
  get unready(): readonly Extension[] {
    return this.#all.filter((extension) => !extension.isPolling);
  }

  /** Extensions that still work on the last invocation. */
  get busy(): readonly Extension[] {
    return this.#all.filter((extension) => extension.isSubscribedTo("INVOKE") && !extension.isPolling);
  }
}

function toLifecycleEvents(
  events: readonly string[],
  isExternal: boolean,
  { hasInvokeEvents }: Policy,
): ReadonlySet<LifecycleEvent> {
  for (const event of events) {
    if (!hasInvokeEvents && !isExternal) {
      throw new ApiRefusal(403, "Extension.InvalidEventType", "No events allowed for internal extensions");
    }
    if (event !== "SHUTDOWN" && !(event === "INVOKE" && hasInvokeEvents)) {
      throw new ApiRefusal(403, "Extension.InvalidEventType", `${event}: ErrorInvalidEventType`);
    }
    if (event === "SHUTDOWN" && !isExternal) {
      throw new ApiRefusal(
        403,
        "Extension.InvalidEventType",
        "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
      );
    }
  }
  return new Set(events as readonly LifecycleEvent[]);
}
