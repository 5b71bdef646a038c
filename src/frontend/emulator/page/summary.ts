/** An invocation as the list shows it: without its texts, which may have megabytes. */
import type { Entry } from "../history.ts";

/** Characters of an event, and of a result, that are shown in the list and can be filtered by. */
const previewLength = 300;

export type Summary = Omit<Entry, "event" | "result" | "logs" | "clientContext"> & {
  readonly eventPreview: string;
  readonly resultPreview: string;
};

export function summaryOf({ event, result, logs: _, clientContext: __, ...rest }: Entry): Summary {
  return { ...rest, eventPreview: previewOf(event.text), resultPreview: previewOf(result?.text ?? "") };
}

/** One line. */
function previewOf(text: string): string {
  return text
    .slice(0, previewLength * 2)
    .replaceAll(/\s+/g, " ")
    .slice(0, previewLength);
}
