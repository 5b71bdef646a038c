/** The files of the page, which are in the binary, and the headers that keep a browser from loading anything else. */
import { PlainResponse } from "../../../net/listener/plain-response.ts";
import app from "./client/app.js" with { type: "text" };
import code from "./client/code.js" with { type: "text" };
import composer from "./client/composer.js" with { type: "text" };
import detail from "./client/detail.js" with { type: "text" };
import dom from "./client/dom.js" with { type: "text" };
import feed from "./client/feed.js" with { type: "text" };
import format from "./client/format.js" with { type: "text" };
import icon from "./client/icon.svg" with { type: "text" };
import page from "./client/index.html" with { type: "text" };
import keyboard from "./client/keyboard.js" with { type: "text" };
import list from "./client/list.js" with { type: "text" };
import style from "./client/style.css" with { type: "text" };
import theme from "./client/theme.js" with { type: "text" };
import timeline from "./client/timeline.js" with { type: "text" };
import { pagePrefix } from "./lazy-page.ts";

/** No script, style or picture from elsewhere, none in the page's own text, no frame around it, no form, no plugin. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

export const securityHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": contentSecurityPolicy,
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
};

const types = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

const scripts = { app, code, composer, detail, dom, feed, format, keyboard, list, theme, timeline };

const assets = new Map<string, readonly [type: string, text: string]>([
  ["/", [types.html, page as unknown as string]],
  [`${pagePrefix}/style.css`, [types.css, style]],
  [`${pagePrefix}/icon.svg`, [types.svg, icon]],
  ...Object.entries(scripts).map(([name, text]) => [`${pagePrefix}/${name}.js`, [types.js, text]] as const),
]);

/** Never kept by a browser: the next binary may have another page at the same address. */
export function assetAt(path: string): Response | undefined {
  const asset = assets.get(path);
  if (!asset) return undefined;
  const [type, text] = asset;
  const headers = { "Content-Type": type, "Cache-Control": "no-store", ...securityHeaders };
  return new PlainResponse(text, { headers });
}
