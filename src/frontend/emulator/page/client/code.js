/** Texts of others: an event, a result, a log. Long ones are cut in the view until somebody wants all. */
import { copyButton, h } from "./dom.js";
import { prettyJson, size } from "./format.js";

/** Characters shown at first. */
const shownLength = 20_000;

/** A block with a head. `show(excerpt)` is called with whatever becomes known, and draws only what is new. */
export class TextBlock {
  #shown;
  #isWhole = false;
  #isRaw = false;
  #text = "";

  /** @param kind "json" or "log"; @param empty what is said where there is nothing */
  constructor(title, kind, empty) {
    this.kind = kind;
    this.empty = empty;
    this.meta = h("span", { class: "meta" });
    this.raw = h("button", { type: "button", class: "quiet", "aria-pressed": "false", hidden: true }, "As sent");
    this.raw.addEventListener("click", () => {
      this.#isRaw = !this.#isRaw;
      this.raw.setAttribute("aria-pressed", String(this.#isRaw));
      this.#draw();
    });
    this.copy = copyButton("Copy", () => this.#text, { "aria-label": `Copy ${title.toLowerCase()}` });
    this.body = h("div", { class: "text-body" });
    const id = `block-${title.toLowerCase()}`;
    this.element = h(
      "section",
      { class: `block ${kind}`, "aria-labelledby": id },
      h("div", { class: "section-head" }, h("h3", { id }, title), this.meta, this.raw, this.copy),
      this.body,
    );
    this.title = title;
  }

  /** For another invocation: nothing is known of it, and no choice was made. */
  reset() {
    this.#isWhole = false;
    this.#isRaw = false;
    this.raw.setAttribute("aria-pressed", "false");
    this.show(undefined);
  }

  show(excerpt, note = "") {
    const state = JSON.stringify([excerpt?.totalBytes, excerpt?.text.length, note]);
    if (state === this.#shown && excerpt?.text === this.#text) return;
    this.#shown = state;
    this.#text = excerpt?.text ?? "";
    this.excerpt = excerpt;
    this.note = note;
    this.#draw();
  }

  #draw() {
    const { excerpt, kind } = this;
    const pretty =
      kind === "json" && excerpt && !excerpt.isBase64 && !excerpt.isCut ? prettyJson(excerpt.text) : undefined;
    this.raw.hidden = pretty === undefined || pretty === excerpt.text;
    this.copy.hidden = !excerpt?.text;
    this.meta.textContent = excerpt ? metaOf(excerpt, kind) : "";
    if (!excerpt?.text) return this.body.replaceChildren(h("p", { class: "hint" }, this.note || this.empty));
    const text = pretty !== undefined && !this.#isRaw ? pretty : excerpt.text;
    const isLong = text.length > shownLength && !this.#isWhole;
    // Of a log the end matters, of everything else the beginning.
    const view = !isLong ? text : kind === "log" ? text.slice(-shownLength) : text.slice(0, shownLength);
    const pre = h("pre", { tabindex: "0", "aria-label": this.title });
    if (kind === "log") pre.append(...logLines(view));
    else if (pretty !== undefined && text.length <= shownLength * 5) pre.append(...jsonTokens(view));
    else pre.textContent = view;
    const more = h("button", { type: "button", class: "more" }, `Show all (${size(excerpt.text.length)})`);
    more.addEventListener("click", () => {
      this.#isWhole = true;
      this.#draw();
      this.body.querySelector("pre").focus();
    });
    const parts = isLong ? (kind === "log" ? [more, pre] : [pre, more]) : [pre];
    this.body.replaceChildren(...parts);
    if (kind === "log") pre.scrollTop = pre.scrollHeight;
  }
}

function metaOf({ totalBytes, text, isCut, isBase64 }, kind) {
  const parts = [size(totalBytes)];
  if (isCut) parts.push(`the ${kind === "log" ? "last" : "first"} ${size(text.length)} were kept`);
  if (isBase64) parts.push("bytes, in base64");
  return parts.join(" · ");
}

const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function jsonTokens(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(tokens)) {
    const [whole, string, colon] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    const kind = string === undefined ? "value" : colon === undefined ? "string" : "key";
    parts.push(h("span", { class: kind }, string ?? whole), ...(colon ? [colon] : []));
    at = match.index + whole.length;
  }
  parts.push(text.slice(at));
  return parts;
}

const platform = /^(START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION|RESTORE_)\b/;
const trouble = /\b(ERROR|FATAL|CRITICAL|Traceback|Exception|[A-Z]\w*Error)\b|"level":\s*"(error|fatal)"/i;

function logLines(text) {
  return text.split(/(?<=\n)/).map((line) => {
    if (platform.test(line)) return h("span", { class: "platform" }, line);
    return trouble.test(line) ? h("span", { class: "trouble" }, line) : line;
  });
}
