/** Headless Chromium, driven by Playwright: what a person does with the emulator's page. */
import { playwright, whyMissing } from "./clients.ts";

/** The part of Playwright's API that is used here; it is no dependency, so its own types are not at hand. */
export interface Locator {
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  press(keys: string): Promise<void>;
  selectOption(choice: { label: string } | string): Promise<unknown>;
  textContent(): Promise<string | null>;
  innerText(): Promise<string>;
  inputValue(): Promise<string>;
  isVisible(): Promise<boolean>;
  count(): Promise<number>;
  first(): Locator;
  nth(index: number): Locator;
  filter(options: { hasText?: string | RegExp; visible?: boolean }): Locator;
  locator(selector: string): Locator;
  waitFor(options?: { state?: "attached" | "detached" | "visible" | "hidden" }): Promise<void>;
}

export interface Page {
  readonly keyboard: { press(keys: string): Promise<void>; type(text: string): Promise<void> };
  readonly problems: string[];
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  locator(selector: string): Locator;
  /** The text is run in the page. */
  evaluate<T>(script: string): Promise<T>;
  emulateMedia(options: { colorScheme: "light" | "dark" }): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
}

interface PlaywrightPage extends Omit<Page, "problems"> {
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  setDefaultTimeout(ms: number): void;
}

interface Context {
  newPage(): Promise<PlaywrightPage>;
  close(): Promise<void>;
}

interface PlaywrightBrowser {
  newContext(options: Record<string, unknown>): Promise<Context>;
  close(): Promise<void>;
}

const chromium = Bun.which("chromium") ?? Bun.which("chromium-browser") ?? Bun.which("google-chrome");

/** Why there is no browser; `undefined`: there is one. */
export function whyNoBrowser(): string | undefined {
  if (!chromium) return "chromium is not installed";
  if (process.env.E2E_OWN_NETWORK !== "1") return "it needs a network of its own, and that root";
  return whyMissing(playwright);
}

/** Milliseconds a step of a test may take. */
const patienceMs = 20_000;

export class Browser {
  readonly #contexts: Context[] = [];

  private constructor(private readonly browser: PlaywrightBrowser) {}

  static async launch(): Promise<Browser> {
    const { chromium: type } = require(`${playwright.directory}/node_modules/playwright-core`);
    const browser = await type.launch({
      executablePath: chromium,
      timeout: patienceMs,
      // Root has no sandbox; the rest keeps Chromium from calling its maker.
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return new Browser(browser);
  }

  /** A page of a browser that was never used. What it complains of is in its `problems`. */
  async open(url: string, options: Record<string, unknown> = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(url);
    await page.locator("#connection[data-state=live]").waitFor();
    return Object.assign(page as PlaywrightPage & Page, { problems });
  }

  async closePages(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
