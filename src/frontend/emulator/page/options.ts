/** What the page needs of the emulator. */
import type { Clock } from "../../../clock.ts";
import type { AsyncEvents } from "../async-events.ts";
import type { Capacity } from "../capacity.ts";
import type { History } from "../history.ts";
import type { Invoker } from "../invoker.ts";
import type { OriginRules } from "../origin.ts";

export interface PageOptions {
  readonly history: History;
  readonly capacity: Pick<Capacity, "load">;
  readonly invoker: Pick<Invoker, "invoke" | "reserve">;
  readonly asyncEvents: Pick<AsyncEvents, "accept">;
  readonly clock: Clock;
  readonly origins: OriginRules;
  readonly functionName: string;
  readonly functionArn: string;
  /** Where saved events are. */
  readonly savedEventsFile: string;
}
