/** The invocations, newest first, and which of them are wanted. */
import { byId, h } from "./dom.js";
import { badgesOf, clockTime, duration, statusOf } from "./format.js";
import { miniature, phasesOf, rangeOf } from "./timeline.js";

const marks = { succeeded: "✓", failed: "✕", running: "▸", queued: "…" };

export class List {
  #rows = new Map();
  #entries = new Map();
  #list = byId("invocations");
  #scale = 1;
  selected;

  /** @param onSelect called with the number of what was chosen by mouse, and whether it is to be opened */
  constructor(onSelect) {
    this.#list.addEventListener("click", (event) => {
      const row = event.target.closest("button[data-number]");
      if (row) onSelect(Number(row.dataset.number));
    });
    for (const id of ["filter", "state-filter"]) byId(id).addEventListener("input", () => this.#filterAll());
  }

  entry(number) {
    return this.#entries.get(number);
  }

  get newest() {
    return [...this.#entries.keys()].at(-1);
  }

  apply({ isAll, entries, oldest }) {
    if (isAll) this.#forget(() => true);
    this.#forget((number) => oldest === null || number < oldest);
    for (const entry of entries) this.#put(entry);
    this.#list.style.setProperty("--scale", String(this.#scale));
    this.#note();
  }

  /** The number of the one that is so many places further down among those that are shown. */
  neighbour(step) {
    const shown = [...this.#list.children].filter((row) => !row.hidden).map((row) => Number(row.dataset.number));
    if (shown.length === 0) return undefined;
    const at = shown.indexOf(this.selected);
    if (at < 0) return shown[0];
    return shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
  }

  select(number) {
    this.#rows.get(this.selected)?.firstChild.removeAttribute("aria-current");
    this.selected = number;
    const row = this.#rows.get(number);
    row?.firstChild.setAttribute("aria-current", "true");
    row?.scrollIntoView({ block: "nearest" });
  }

  focus(number) {
    this.#rows.get(number)?.firstChild.focus();
  }

  #put(entry) {
    this.#entries.set(entry.number, entry);
    const phases = phasesOf(entry);
    if (phases.length > 0) this.#scale = Math.max(this.#scale, rangeOf(phases).length);
    let row = this.#rows.get(entry.number);
    if (!row) {
      const button = h("button", { type: "button", "data-number": entry.number });
      row = h("li", { "data-number": entry.number, value: entry.number }, button);
      this.#rows.set(entry.number, row);
      this.#list.prepend(row);
    }
    const status = statusOf(entry);
    row.dataset.status = status;
    row.firstChild.replaceChildren(
      h("span", { class: "mark", "aria-hidden": "true" }, marks[status]),
      h("span", { class: "hidden" }, `${status}, `),
      h("span", { class: "time" }, clockTime(entry.acceptedAt)),
      h("span", { class: "badges" }, ...badgesOf(entry).map((badge) => h("span", { class: "badge" }, badge))),
      h("span", { class: "took" }, entry.durationMs === undefined ? "" : duration(entry.durationMs)),
      h("span", { class: "preview" }, entry.errorType === undefined ? entry.eventPreview : errorOf(entry)),
      phases.length > 0 ? miniature(phases) : h("span", { class: "mini", "aria-hidden": "true" }),
    );
    this.#filter(entry, row);
  }

  #forget(isGone) {
    for (const [number, row] of this.#rows) {
      if (!isGone(number)) continue;
      row.remove();
      this.#rows.delete(number);
      this.#entries.delete(number);
    }
    if (this.#rows.size === 0) this.#scale = 1;
  }

  #filterAll() {
    for (const [number, row] of this.#rows) this.#filter(this.#entries.get(number), row);
    this.#note();
  }

  #filter(entry, row) {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = byId("state-filter").value;
    const { requestId, errorType = "", eventPreview, resultPreview, source } = entry;
    const text =
      `${requestId} ${errorType} ${eventPreview} ${resultPreview} ${source} ${statusOf(entry)}`.toLowerCase();
    const isWanted = state === "" || (state === "pending" ? entry.state !== "done" : statusOf(entry) === state);
    row.hidden = !isWanted || !words.every((word) => text.includes(word));
  }

  #note() {
    const rows = [...this.#rows.values()];
    const shown = rows.filter((row) => !row.hidden).length;
    const note = byId("list-note");
    if (rows.length === 0) note.textContent = "No invocations yet.";
    else if (shown === 0) note.textContent = "None of them matches the filter.";
    else note.textContent = shown === rows.length ? `${shown} kept` : `${shown} of ${rows.length}`;
    byId("clear").disabled = rows.length === 0;
  }
}

/** The type, and the message if it stands near the beginning. */
function errorOf({ errorType, resultPreview }) {
  const [, text] = /"errorMessage":\s*"((?:[^"\\]|\\.)*)"/.exec(resultPreview) ?? [];
  if (text === undefined) return errorType;
  return `${errorType}: ${text.replaceAll('\\"', '"').replace(/^RequestId: \S+ (Error: )?/, "")}`;
}
