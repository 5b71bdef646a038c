/** What keys do, and the list of them that `?` shows. */
import { byId, h } from "./dom.js";

const help = [
  ["n", "New event"],
  ["Ctrl Enter", "Send it"],
  ["/", "Filter"],
  ["j  k", "Next, previous invocation"],
  ["Enter", "Open it"],
  ["r", "Repeat it"],
  ["e", "Edit its event"],
  ["c", "Copy it as curl"],
  ["Esc", "Back"],
  ["?", "This list"],
];

/** @param actions by key; `send` and `escape` besides */
export function listenToKeys(actions) {
  const dialog = byId("help-dialog");
  const rows = help.map(([keys, what]) => {
    const shown = keys.split("  ").map((key) => h("kbd", {}, key));
    return h("div", { class: "key-row" }, h("dt", {}, ...shown), h("dd", {}, what));
  });
  byId("help-keys").replaceChildren(...rows);
  const showHelp = () => dialog.open || dialog.showModal();
  byId("help").addEventListener("click", showHelp);

  document.addEventListener("keydown", (event) => {
    if (dialog.open) return;
    const { key, target } = event;
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return actions.send();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "Escape") return actions.escape(target);
    if (target.closest("input, textarea, select")) return;
    // A key on a button is the button's.
    if (key === "Enter" && target.closest("button, a, pre")) return;
    const action = key === "?" ? showHelp : actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
