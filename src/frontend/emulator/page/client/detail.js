/** One invocation, whole. */
import { TextBlock } from "./code.js";
import { ask, byId, copyButton, h } from "./dom.js";
import { clockTime, duration, statusOf, toCurl } from "./format.js";
import { phasesOf, timeline } from "./timeline.js";

export class Detail {
  #element = byId("detail");
  #number;
  #entry;
  #isAsking = false;
  #isStale = false;

  /** @param actions `repeat(number)`, `edit(text)`, `back()` */
  constructor(actions) {
    this.actions = actions;
    this.#build();
  }

  get entry() {
    return this.#entry;
  }

  show(number) {
    if (number === this.#number) return;
    this.#number = number;
    this.#entry = undefined;
    this.#element.hidden = number === undefined;
    byId("nothing").hidden = number !== undefined;
    if (number === undefined) return;
    for (const block of [this.result, this.logs, this.event]) block.reset();
    this.message.textContent = "";
    this.title.textContent = `Invocation ${number}`;
    void this.refresh();
  }

  /** Asks for it again; once more where it changed while the answer was on its way. */
  async refresh() {
    this.#isStale = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#isStale && this.#number !== undefined) {
      this.#isStale = false;
      const number = this.#number;
      try {
        const entry = await ask("GET", `/entries/${number}`);
        if (number === this.#number) this.#draw(entry);
        else this.#isStale = true;
      } catch (error) {
        this.message.textContent = error.message;
      }
    }
    this.#isAsking = false;
  }

  say(text) {
    this.message.textContent = text;
  }

  /** Below a long event in the editor, what became of it must not be out of sight. */
  reveal() {
    this.figures.scrollIntoView({ block: "nearest" });
  }

  focus() {
    this.title.focus();
  }

  #build() {
    const { actions } = this;
    const button = (label, key, action) =>
      h("button", { type: "button", "aria-keyshortcuts": key, click: action }, label, " ", h("kbd", {}, key));
    this.status = h("span", { class: "status" });
    this.title = h("h2", { id: "detail-title", tabindex: "-1" });
    this.when = h("p", { class: "when" });
    this.message = h("p", { class: "message", role: "alert" });
    this.repeat = button("Repeat", "r", () => actions.repeat(this.#number));
    this.edit = button("Edit", "e", () => this.#entry && actions.edit(this.#entry.event.text));
    this.curl = copyButton("Copy as curl", () => toCurl(this.#entry, location.origin), { class: "", id: "copy-curl" });
    this.figures = h("dl", { class: "figures" });
    this.phases = h("div", { class: "phases" });
    this.result = new TextBlock("Result", "json", "Nothing yet.");
    this.logs = new TextBlock("Logs", "log", "Nothing was written yet.");
    this.event = new TextBlock("Event", "json", "");
    this.#element.replaceChildren(
      h("button", { type: "button", class: "back quiet", click: actions.back }, "← All invocations"),
      h("div", { class: "detail-head" }, h("div", { class: "detail-title" }, this.status, this.title), this.when),
      h("div", { class: "row actions" }, this.repeat, this.edit, this.curl),
      this.message,
      this.figures,
      this.phases,
      this.result.element,
      this.logs.element,
      this.event.element,
    );
  }

  #draw(entry) {
    this.#entry = entry;
    const status = statusOf(entry);
    this.#element.dataset.status = status;
    this.status.textContent = status;
    this.title.textContent = entry.errorType ?? `Invocation ${entry.number}`;
    this.when.replaceChildren(
      clockTime(entry.acceptedAt),
      " · ",
      h("code", {}, entry.requestId),
      ...(entry.functionArn
        ? [" · ", h("code", {}, entry.functionArn.split(":function:")[1] ?? entry.functionArn)]
        : []),
    );
    for (const button of [this.repeat, this.edit, this.curl]) {
      button.disabled = entry.event.isCut;
      button.title = entry.event.isCut ? "The event was too long to be kept as a whole" : "";
    }
    this.figures.replaceChildren(
      ...figuresOf(entry).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    );
    const phases = phasesOf(entry);
    this.phases.replaceChildren(...(phases.length > 0 ? [timeline(phases)] : []));
    const isStream = entry.result === undefined && entry.contentType !== undefined;
    this.result.show(
      entry.result,
      isStream ? `A stream of ${entry.contentType}: streams are passed on, not kept.` : "",
    );
    this.logs.show(entry.logs, entry.state === "done" ? "Nothing was written." : "");
    this.event.show(entry.event);
  }
}

function figuresOf({ durationMs, initDurationMs, maxMemoryMb, waitedMs, environment, attempt, source, tenantId }) {
  const figures = [["Duration", duration(durationMs)]];
  if (initDurationMs !== undefined) figures.push(["Init", duration(initDurationMs)]);
  figures.push(["Memory", maxMemoryMb === undefined ? "–" : `${maxMemoryMb} MB`]);
  figures.push(["Waited", duration(waitedMs)]);
  if (environment !== undefined) figures.push(["Environment", String(environment)]);
  if (source === "event") figures.push(["Attempt", String(attempt)]);
  if (tenantId) figures.push(["Tenant", tenantId]);
  return figures;
}
