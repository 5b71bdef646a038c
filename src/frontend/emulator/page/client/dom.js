/** Elements, and what the server is asked. Texts only ever become text nodes. */

export const byId = (id) => document.getElementById(id);

/** @param props attributes; functions are listeners, `undefined` and `false` are left out */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

let announced = "";

/** Has a screen reader say it. */
export function announce(text) {
  // The same words again would not be read.
  announced = text === announced ? `${text}\u00a0` : text;
  byId("live").textContent = announced;
}

/** Milliseconds after which a request is given up. */
const requestLimitMs = 20_000;

/** @throws with the words of the emulator */
export async function ask(method, path, body, headers = {}) {
  let answer;
  try {
    const signal = AbortSignal.timeout(requestLimitMs);
    answer = await fetch(`/_page${path}`, { method, body, headers, signal });
  } catch {
    throw new Error("The emulator does not answer. Is it still running?");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.message ?? told.Message ?? `The emulator answered ${answer.status}`);
  return told;
}

/** @returns whether it worked */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Only pages of localhost have a clipboard; by another address this still works.
    const area = h("textarea", { class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    return isDone;
  }
}

/** A button that copies, and says so. @param text makes what is copied */
export function copyButton(label, text, props = {}) {
  const button = h("button", { type: "button", class: "quiet", ...props }, label);
  let timer;
  button.addEventListener("click", async () => {
    const isDone = await copy(text());
    button.textContent = isDone ? "Copied" : "Not copied";
    announce(isDone ? `${label}: copied` : `${label}: the browser did not allow it`);
    clearTimeout(timer);
    timer = setTimeout(() => button.replaceChildren(label), 1500);
  });
  return button;
}
