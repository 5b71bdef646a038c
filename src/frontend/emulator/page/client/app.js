/** Brings the parts of the page together. */
import { Composer } from "./composer.js";
import { Detail } from "./detail.js";
import { announce, ask, byId, copyButton, h } from "./dom.js";
import { listen } from "./feed.js";
import { duration, statusOf } from "./format.js";
import { listenToKeys } from "./keyboard.js";
import { List } from "./list.js";

/** The request id of what was sent from here last, until it appears. */
let awaited;
const statuses = new Map();

const list = new List((number) => open(number));
const composer = new Composer({
  onSent: (requestId) => follow(requestId),
  onClose() {
    setView(list.selected === undefined ? "list" : "detail");
    byId("new-event").focus();
  },
});
const detail = new Detail({ repeat, edit, back });

function setView(view) {
  document.body.dataset.view = view;
}

function back() {
  setView("list");
  if (list.selected === undefined) byId("filter").focus();
  else list.focus(list.selected);
}

function select(number) {
  list.select(number);
  detail.show(number);
}

function open(number) {
  select(number);
  setView("detail");
  // On a narrow screen what had the focus is gone.
  if (!byId("filter").checkVisibility()) detail.focus();
}

/** Shows what was sent as soon as it is in the list, where it may be already. */
function follow(requestId) {
  awaited = requestId;
  const number = list.newest;
  if (number !== undefined && list.entry(number).requestId === requestId) arrive(number);
}

function arrive(number) {
  awaited = undefined;
  open(number);
  detail.reveal();
}

async function repeat(number) {
  if (number === undefined) return;
  try {
    const { requestId } = await ask("POST", `/entries/${number}/repeat`);
    follow(requestId);
  } catch (error) {
    detail.say(error.message);
  }
}

function edit(text) {
  composer.open({ text });
  composer.focus();
}

async function clear() {
  try {
    await ask("POST", "/clear");
    announce("Cleared");
  } catch (error) {
    announce(error.message);
  }
}

function told(changes) {
  list.apply(changes);
  showLoad(changes.load);
  if (changes.isAll) statuses.clear();
  const finished = [];
  for (const entry of changes.entries) {
    if (entry.requestId === awaited) arrive(entry.number);
    if (entry.number === list.selected) void detail.refresh();
    const status = statusOf(entry);
    if (statuses.get(entry.number) !== status && entry.state === "done") finished.push(entry);
    statuses.set(entry.number, status);
  }
  for (const number of statuses.keys()) if (!list.entry(number)) statuses.delete(number);
  if (!changes.isAll) announceEnds(finished);
  if (list.selected !== undefined && !list.entry(list.selected)) {
    select(undefined);
    if (document.body.dataset.view === "detail") setView("list");
  }
  if (list.selected === undefined && list.newest !== undefined && changes.isAll) select(list.newest);
  if (list.newest === undefined && changes.isAll && !composer.isOpen) {
    composer.open();
    setView("list");
  }
}

function announceEnds(entries) {
  if (entries.length > 1) announce(`${entries.length} invocations ended`);
  if (entries.length !== 1) return;
  const [entry] = entries;
  const error = entry.errorType ? `: ${entry.errorType}` : "";
  announce(`Invocation ${entry.number} ${statusOf(entry)}${error}, ${duration(entry.durationMs)}`);
}

/** Environments shown one by one; more become a figure. */
const maxDots = 12;

function showLoad({ environments, busy, queued, concurrency, queue }) {
  const dots = h("span", { class: "dots", "aria-hidden": "true" });
  if (concurrency <= maxDots) {
    for (let at = 0; at < concurrency; at++) {
      dots.append(h("i", { class: at < busy ? "busy" : at < environments ? "idle" : "none" }));
    }
  }
  const isWaiting = queued > 0;
  byId("load").replaceChildren(
    dots,
    h("span", {}, h("b", {}, `${busy}/${concurrency}`), " busy"),
    h(
      "span",
      { class: isWaiting ? "waiting" : "" },
      h("b", {}, String(queued)),
      h("span", { class: "wide" }, `/${queue}`),
      " queued",
    ),
  );
  byId("load").title =
    `${environments} of ${concurrency} environments exist, ${busy} are busy; ${queued} calls wait, ${queue} may`;
}

const words = { live: "Live", lost: "Reconnecting", connecting: "Connecting" };

function showConnection(state) {
  const element = byId("connection");
  if (element.dataset.state === state) return;
  if (state === "lost") announce("The connection to the emulator is lost");
  element.dataset.state = state;
  element.textContent = words[state];
}

function move(step) {
  const number = list.neighbour(step);
  if (number === undefined) return;
  select(number);
  list.focus(number);
}

listenToKeys({
  n: () => {
    composer.open();
    composer.focus();
  },
  "/": () => {
    setView("list");
    byId("filter").focus();
  },
  j: () => move(1),
  k: () => move(-1),
  Enter: () => {
    if (list.selected === undefined) return;
    open(list.selected);
    detail.focus();
  },
  r: () => repeat(list.selected),
  e: () => detail.entry && !detail.entry.event.isCut && edit(detail.entry.event.text),
  c: () => byId("copy-curl")?.click(),
  send: () => composer.isOpen && composer.send(),
  escape(target) {
    if (target.closest("#composer")) composer.close();
    back();
  },
});
byId("new-event").addEventListener("click", () => {
  composer.open();
  composer.focus();
});
byId("clear").addEventListener("click", clear);

const { functionName } = await ask("GET", "/about").catch(() => ({ functionName: "Lambda emulator" }));
byId("function-name").textContent = functionName;
document.title = `${functionName} · Lambda emulator`;
const example = `curl -d '{}' ${location.origin}/2015-03-31/functions/function/invocations`;
byId("nothing").append(
  h(
    "p",
    {},
    "Each call of the function appears here as it happens: from an SDK, from curl, from a Function URL, or from the editor.",
  ),
  h(
    "div",
    { class: "row" },
    h("code", {}, example),
    copyButton("Copy", () => example),
  ),
);
void composer.load();
listen({ told, state: showConnection });
