/** The phases of an invocation, drawn to scale. */
import { h } from "./dom.js";
import { duration } from "./format.js";

const words = {
  queue: ["Queue", "waits for an environment"],
  init: ["Init", "the environment starts"],
  start: ["Start", "within the call: a reset, a new start, extensions"],
  invocation: ["Invocation", "until the function began to answer"],
  response: ["Response", "the answer is sent"],
  overhead: ["Overhead", "until the runtime asks for the next event"],
  extensions: ["Extensions", "at work after the answer"],
};

/** Milliseconds by which two of the clocks behind the figures may differ. */
const clockStepMs = 2;

/**
 * The phases as they are drawn, one behind the other where the clocks differ a little. A call that was cut short has figures
 * of its wait and its whole time only.
 */
export function phasesOf({ phases = [], durationMs, waitedMs = 0 }) {
  const drawn = phases.some(({ name }) => name === "invocation")
    ? [...phases]
    : [...phases, ...(durationMs > 0 ? [{ name: "invocation", startMs: waitedMs, durationMs }] : [])];
  let end = Math.max(0, waitedMs);
  return drawn.flatMap((phase) => {
    const isOfCall = phase.name !== "queue" && phase.name !== "init";
    const overlap = end - phase.startMs;
    const startMs = isOfCall && Math.abs(overlap) < clockStepMs ? end : phase.startMs;
    const gap =
      phase.name === "invocation" && startMs > end ? [{ name: "start", startMs: end, durationMs: startMs - end }] : [];
    if (isOfCall) end = startMs + phase.durationMs;
    return [...gap, { ...phase, startMs }];
  });
}

/** From the first moment to the last, in milliseconds. */
export function rangeOf(phases) {
  const start = Math.min(...phases.map(({ startMs }) => startMs));
  const end = Math.max(...phases.map(({ startMs, durationMs }) => startMs + durationMs));
  return { start, length: Math.max(end - start, 0.001) };
}

function bar({ name, startMs, durationMs }, start) {
  const element = h("span", { class: "bar", "data-phase": name });
  element.style.setProperty("--from", String(startMs - start));
  element.style.setProperty("--for", String(durationMs));
  return element;
}

/** All phases on one line. Its scale, `--scale`, is that of whatever it stands in. */
export function miniature(phases) {
  const { start } = rangeOf(phases);
  return h("span", { class: "mini", "aria-hidden": "true" }, ...phases.map((phase) => bar(phase, start)));
}

/** A table, with a bar in each row. */
export function timeline(phases) {
  const { start, length } = rangeOf(phases);
  const rows = phases.map((phase) => {
    const [word, meaning] = words[phase.name] ?? [phase.name, ""];
    return h(
      "tr",
      {},
      h("th", { scope: "row", title: meaning }, h("span", { class: "dot", "data-phase": phase.name }), word),
      h("td", { class: "track", "aria-hidden": "true" }, h("span", { class: "lane" }, bar(phase, start))),
      h("td", { class: "figure" }, duration(phase.durationMs)),
    );
  });
  const ticks = [0, 1, 2, 3, 4].map((quarter) =>
    h("span", { class: "tick" }, quarter === 0 ? "0" : duration((length * quarter) / 4)),
  );
  const table = h(
    "table",
    { class: "timeline" },
    h("caption", { class: "hidden" }, `Phases, ${duration(length)} in all`),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, h("span", { class: "hidden" }, "Phase")),
        h("td", { class: "track", "aria-hidden": "true" }, h("span", { class: "ticks" }, ...ticks)),
        h("th", { scope: "col", class: "figure" }, h("span", { class: "hidden" }, "Duration")),
      ),
    ),
    h("tbody", {}, ...rows),
  );
  table.style.setProperty("--scale", String(length));
  return table;
}
