/** Runs before anything is painted, so that the page never flashes in the other colours. */
(() => {
  const key = "lambda-page-theme";
  const next = { auto: "light", light: "dark", dark: "auto" };
  const words = { auto: "as the system", light: "light", dark: "dark" };
  const signs = { auto: "◐", light: "☼", dark: "☾" };

  // Browsers that keep nothing (or may not) throw here.
  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const store = (theme) => {
    try {
      localStorage.setItem(key, theme);
    } catch {}
  };

  let theme = stored();
  if (!(theme in next)) theme = "auto";
  const apply = () => {
    document.documentElement.dataset.theme = theme;
  };
  apply();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("#theme");
    const label = () => {
      button.textContent = signs[theme];
      button.setAttribute("aria-label", `Colours: ${words[theme]}`);
      button.title = `Colours: ${words[theme]}`;
    };
    label();
    button.addEventListener("click", () => {
      theme = next[theme];
      store(theme);
      apply();
      label();
    });
  });
})();
