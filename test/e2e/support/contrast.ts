/**
 * Run in a page: texts that are hard to read, with the ratio of their colour to what lies behind them. WCAG asks for 4.5
 * (https://www.w3.org/TR/WCAG22/#contrast-minimum); what is switched off need not be read.
 */
export const faintTexts = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const toRgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const behind = (element) => {
    if (!element) return [255, 255, 255, 1];
    const colour = toRgba(getComputedStyle(element).backgroundColor);
    return colour[3] === 1 ? colour : over(colour, behind(element.parentElement));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest(":disabled, .hidden")) continue;
    const back = behind(element);
    const [a, b] = [luminance(over(toRgba(getComputedStyle(element).color), back)), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(node.data.trim().slice(0, 40) + ": " + ratio.toFixed(2));
  }
  return found;
})()`;

/** Run in a page: controls a screen reader has no name for. */
export const namelessControls = `[...document.querySelectorAll("button, input, select, textarea, nav, section")]
  .filter((element) => element.checkVisibility())
  .filter((element) => {
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join("");
    const by = document.getElementById(element.getAttribute("aria-labelledby") ?? "")?.textContent;
    const own = element.tagName === "BUTTON" ? element.textContent : "";
    return !(element.getAttribute("aria-label") || by || labels || own).trim();
  })
  .map((element) => element.outerHTML.slice(0, 80))`;
