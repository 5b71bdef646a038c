/** What all routes have in common: the environment they speak for, and how they are added to the app. */
import type { Exchanges } from "../environment/exchanges.ts";
import type { Extensions } from "../environment/extensions/extensions.ts";
import type { TelemetryService } from "../telemetry/subscribers/service.ts";

/** What the API needs of the environment: the processes that may call now. A reset puts others in their place. */
export interface RuntimeHost {
  readonly exchanges: Exchanges;
  readonly extensions: Extensions;
}

/** What an extension is told of the function when it registers. */
export interface RegistrationFacts {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly handler: string;
  /** Told only to those who ask for it. */
  readonly accountId: string;
}

/** What the processes may ask for with a token they find in their environment. */
export interface Secret<T> {
  readonly token: string;
  readonly value: T;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface RuntimeApiOptions {
  readonly host: RuntimeHost;
  /** Bytes an event, a response or an error may have. */
  readonly maxPayloadBytes: number;
  /** Managed instances take an error in the trailers of any response; elsewhere only a stream has a place for it. */
  readonly isManaged: boolean;
  readonly registration: RegistrationFacts;
  readonly telemetry: TelemetryService;
  /** Without extensions their APIs do not exist. */
  readonly areExtensionsEnabled: boolean;
  /** The port of this API: no destination for telemetry. */
  readonly runtimeApiPort: number;
  /** The id of the zone the function is told to run in, such as `use1-az1`. */
  readonly zoneId: Secret<string>;
  /** Of functions with a snapshot: others have them in their environment. */
  readonly credentials?: Secret<Credentials> | undefined;
}

export type Handler = (request: Request, path: string) => Response | Promise<Response>;

/** @param otherwise answers requests with another method; by default 405 */
export type AddRoute = (method: string, path: string, handler: Handler, otherwise?: Handler) => void;
