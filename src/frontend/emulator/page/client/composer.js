/** Where an event is written, checked, sent and saved. */
import { announce, ask, byId, h } from "./dom.js";
import { parseJson, prettyJson, size } from "./format.js";

export class Composer {
  #element = byId("composer");
  #text = byId("event-text");
  #saved = [];
  #samples = [];

  /** @param onSent called with the request id; @param onClose called when it was closed */
  constructor({ onSent, onClose }) {
    this.onSent = onSent;
    this.onClose = onClose;
    this.#text.addEventListener("input", () => this.check());
    byId("send").addEventListener("click", () => this.send());
    byId("format").addEventListener("click", () => this.set(prettyJson(this.#text.value) ?? this.#text.value));
    byId("composer-close").addEventListener("click", () => this.close());
    byId("start-from").addEventListener("change", () => this.#startFrom());
    byId("delete-saved").addEventListener("click", () => this.#delete());
    byId("save-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    this.check();
  }

  get isOpen() {
    return !this.#element.hidden;
  }

  async load() {
    try {
      this.#samples = await ask("GET", "/samples");
      this.#showSaved(await ask("GET", "/saved"));
    } catch (error) {
      this.#fillStart();
      this.say(error.message);
    }
  }

  open({ text } = {}) {
    if (text !== undefined) this.set(prettyJson(text) ?? text);
    this.#element.hidden = false;
    document.body.dataset.view = "composer";
  }

  focus() {
    this.#text.focus();
  }

  close() {
    this.#element.hidden = true;
    this.onClose();
  }

  set(text) {
    this.#text.value = text;
    this.check();
  }

  say(text) {
    byId("composer-message").textContent = text;
  }

  /** @returns whether it is JSON */
  check() {
    const text = this.#text.value;
    const check = byId("event-check");
    const bytes = new TextEncoder().encode(text).length;
    try {
      if (text.trim() !== "") parseJson(text);
      check.textContent = text.trim() === "" ? "Empty: sent as {}" : `JSON · ${size(bytes)}`;
      check.dataset.state = "good";
      this.#text.removeAttribute("aria-invalid");
      return true;
    } catch (error) {
      check.textContent = placed(error.message, text);
      check.dataset.state = "bad";
      this.#text.setAttribute("aria-invalid", "true");
      return false;
    }
  }

  async send() {
    this.say("");
    if (!this.check()) {
      announce(byId("event-check").textContent);
      return this.#text.focus();
    }
    const headers = byId("as-event").checked ? { "X-Amz-Invocation-Type": "Event" } : {};
    try {
      const { requestId } = await ask("POST", "/send", this.#text.value.trim(), headers);
      this.onSent(requestId);
    } catch (error) {
      this.say(error.message);
    }
  }

  async #save() {
    const name = byId("save-name").value.trim();
    this.say("");
    if (name === "") {
      this.say("Give the event a name to save it under.");
      return byId("save-name").focus();
    }
    if (!this.check()) return this.#text.focus();
    try {
      const text = this.#text.value.trim() || "{}";
      this.#showSaved(await ask("PUT", `/saved/${encodeURIComponent(name)}`, text), name);
      announce(`Saved as ${name}`);
      byId("saved-file").textContent = `Saved in ${byId("saved-file").title}`;
    } catch (error) {
      this.say(error.message);
    }
  }

  async #delete() {
    const { name } = this.#chosen() ?? {};
    if (name === undefined) return;
    this.say("");
    try {
      this.#showSaved(await ask("DELETE", `/saved/${encodeURIComponent(name)}`));
      announce(`${name} is deleted`);
      byId("start-from").focus();
    } catch (error) {
      this.say(error.message);
    }
  }

  #showSaved({ file, events }, chosen) {
    this.#saved = events;
    const place = byId("saved-file");
    place.title = file;
    place.textContent = `in ${file.split("/").at(-1)}, to be committed if you like`;
    this.#fillStart(chosen);
  }

  #fillStart(chosen) {
    const group = (label, kind, all) =>
      all.length > 0 &&
      h("optgroup", { label }, ...all.map(({ name }, at) => h("option", { value: `${kind} ${at}` }, name)));
    const select = byId("start-from");
    select.replaceChildren(
      ...[
        h("option", { value: "" }, "this text"),
        group("Saved", "saved", this.#saved),
        group("Samples", "sample", this.#samples),
      ].filter(Boolean),
    );
    const at = this.#saved.findIndex(({ name }) => name === chosen);
    if (at >= 0) select.value = `saved ${at}`;
    byId("delete-saved").hidden = at < 0;
  }

  /** The saved event that is chosen. */
  #chosen() {
    const [kind, at] = byId("start-from").value.split(" ");
    return kind === "saved" ? this.#saved[Number(at)] : undefined;
  }

  #startFrom() {
    const [kind, at] = byId("start-from").value.split(" ");
    const saved = this.#chosen();
    byId("delete-saved").hidden = saved === undefined;
    if (saved) {
      this.set(saved.event);
      byId("save-name").value = saved.name;
    } else if (kind === "sample") this.set(JSON.stringify(this.#samples[Number(at)].event, null, 2));
  }
}

/** Where the mistake is, in words a person can use: browsers count characters. */
function placed(message, text) {
  const [, position] = /position (\d+)/.exec(message) ?? [];
  if (position === undefined || /line \d/.test(message)) return message;
  const before = text.slice(0, Number(position)).split("\n");
  return `${message} (line ${before.length}, column ${before.at(-1).length + 1})`;
}
