/** Events as AWS's services send them, to begin with. */
import { dataSamples } from "./data.ts";
import type { Sample } from "./facts.ts";
import { httpSamples } from "./http.ts";
import { messageSamples } from "./messages.ts";

export const samples: readonly Sample[] = [
  { name: "Empty", event: {} },
  ...httpSamples,
  ...messageSamples,
  ...dataSamples,
];
