/** The emulator's page, in a browser. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Browser, type Page, whyNoBrowser } from "./support/browser.ts";
import { faintTexts, namelessControls } from "./support/contrast.ts";
import { type EmulatorOptions, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";
import { within } from "./support/init.ts";

const missing = whyNoBrowser();
let browser: Browser;

beforeAll(async () => {
  if (missing === undefined) browser = await Browser.launch();
});
afterEach(async () => {
  await browser?.closePages();
  await stopEmulators();
});
afterAll(() => browser?.close());

test("--no-ui leaves the page out", async () => {
  const emulator = await startEmulator(scriptedRuntime, { flags: ["--no-ui"] });
  expect((await fetch(`${emulator.url}/`)).status).toBe(405);
  expect((await fetch(`${emulator.url}/_page/about`)).status).toBe(404);
});

test("by another name the page is not shown", async () => {
  const emulator = await startEmulator();
  const ask = async (host: string) => (await fetch(`${emulator.url}/`, { headers: { host } })).status;
  expect([await ask("localhost"), await ask("stranger.example")]).toEqual([200, 403]);
});

async function start(options: EmulatorOptions = {}, context: Record<string, unknown> = {}) {
  const directory = mkdtempSync(`${tmpdir()}/init-e2e-`);
  const emulator = await startEmulator(scriptedRuntime, { cwd: directory, ...options });
  const page = await browser.open(emulator.url, context);
  return { emulator, page, directory };
}

const rows = (page: Page) => page.locator("#invocations li").filter({ visible: true });

/** Resolves when so many invocations are over. */
function done(page: Page, count: number): Promise<void> {
  const over = "#invocations li:is([data-status=succeeded], [data-status=failed])";
  return page.locator(`:nth-match(${over}, ${count})`).waitFor({ state: "attached" });
}

async function send(page: Page, event: unknown): Promise<void> {
  if (!(await page.locator("#composer").isVisible())) await page.locator("#new-event").click();
  await page.locator("#event-text").fill(JSON.stringify(event));
  await page.locator("#send").click();
}

/** The id, or the number, of what has the focus. */
const focused = (page: Page) =>
  page.evaluate<string>(
    "document.activeElement.id || document.activeElement.dataset.number || document.activeElement.textContent",
  );

const widest = `Math.max(...[document.documentElement, ...document.querySelectorAll("main, nav, ol")].map((e) => e.scrollWidth))`;

describe.skipIf(missing !== undefined)(`the page in a browser${missing === undefined ? "" : `: ${missing}`}`, () => {
  test("an event is sent; result, logs, figures and time line are shown", async () => {
    const { page, emulator } = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" } });
    // So long that an init, however slow, is not many times as long: both bars can be measured.
    await send(page, { respond: '{"tea":12345678901234567890}', print: "said by the function\n", sleepMs: 1000 });
    await page.locator("#detail[data-status=succeeded] .log .platform").filter({ hasText: "REPORT" }).waitFor();
    expect(await page.locator(".json pre").first().textContent()).toBe('{\n  "tea": 12345678901234567890\n}');
    expect(await page.locator(".log pre").textContent()).toMatch(/^START .*\nsaid by the function\nEND .*\nREPORT /);
    expect(await page.locator(".figures").innerText()).toMatch(/Duration\n[\d.]+ s\nInit\n[\d.]+ m?s\nMemory\n\d+ MB/);

    const { phases } = (await (await fetch(`${emulator.url}/_page/entries/1`)).json()) as {
      phases: { name: string; durationMs: number }[];
    };
    const drawn = await page.evaluate<Record<string, number>>(
      `Object.fromEntries([...document.querySelectorAll(".lane .bar")].map((bar) =>
        [bar.dataset.phase, bar.getBoundingClientRect().width]))`,
    );
    expect(phases.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["init", "invocation", "response", "overhead"]),
    );
    const msOf = (name: string) => phases.find((phase) => phase.name === name)?.durationMs ?? 0;
    expect((drawn.init ?? 0) / (drawn.invocation ?? 1)).toBeCloseTo(msOf("init") / msOf("invocation"), 1);
    expect(page.problems).toEqual([]);
  });

  test("calls from elsewhere appear as they happen, with the error of those that fail", async () => {
    const { page, emulator } = await start();
    await emulator.invoke({ error: '{"errorMessage":"no tea","errorType":"V"}', errorType: "Function.Tea" });
    await emulator.invoke({ exit: 3 });
    await done(page, 2);
    expect(await rows(page).nth(0).innerText()).toContain(
      "Runtime.ExitError: Runtime exited with error: exit status 3",
    );
    expect(await rows(page).nth(1).innerText()).toContain("Function.Tea: no tea");
    await rows(page).nth(1).locator("button").click();
    await page.locator("#detail[data-status=failed]").waitFor();
    expect(await page.locator("#detail-title").textContent()).toBe("Function.Tea");
  });

  test("repeat makes the same call again, and so does the curl command", async () => {
    const { page } = await start({}, { permissions: ["clipboard-read", "clipboard-write"] });
    await send(page, { a: "it's", b: [1, 2] });
    await done(page, 1);
    await page.locator("#detail").locator("button").filter({ hasText: "Repeat" }).click();
    await done(page, 2);
    expect(await focused(page)).toContain("Repeat");
    await page.locator("#copy-curl").click();
    await page.locator("#copy-curl").filter({ hasText: "Copied" }).waitFor();
    const command = await page.evaluate<string>("navigator.clipboard.readText()");
    const curl = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "ignore" });
    const told = JSON.parse(await within(new Response(curl.stdout).text(), command));
    expect(told).toMatchObject({ count: 3, event: { a: "it's", b: [1, 2] } });
    await done(page, 3);
  });

  test("events are saved in a file, from where they come back", async () => {
    const { page, directory } = await start();
    const file = `${directory}/lambda-events.json`;
    await page.locator("#event-text").fill('{"n":1.0}');
    await page.locator("#save-name").fill("an order");
    await page.locator("#save-form button").click();
    await page.locator("#delete-saved").waitFor();
    expect(readFileSync(file, "utf8")).toBe('{\n  "an order": {\n    "n": 1.0\n  }\n}\n');
    await page.reload();
    await page.locator("#start-from option").filter({ hasText: "an order" }).waitFor({ state: "attached" });
    await page.locator("#start-from").selectOption({ label: "an order" });
    expect(await page.locator("#event-text").inputValue()).toBe('{\n  "n": 1.0\n}');

    chmodSync(file, 0o444);
    await page.locator("#save-form button").click();
    await page.locator("#composer-message").filter({ hasText: "read-only" }).waitFor();
    chmodSync(file, 0o644);
    await page.locator("#delete-saved").click();
    await page.locator("#delete-saved").waitFor({ state: "hidden" });
    expect(readFileSync(file, "utf8")).toBe("{}\n");
  });

  test("samples are there to begin with; what is no JSON is told and not sent", async () => {
    const { page } = await start();
    await page.locator("#start-from option").filter({ hasText: "S3, object created" }).waitFor({ state: "attached" });
    await page.locator("#start-from").selectOption({ label: "S3, object created" });
    expect(JSON.parse(await page.locator("#event-text").inputValue()).Records[0].eventSource).toBe("aws:s3");
    await page.locator("#event-text").fill('{"a": 1,}');
    await page.locator("#event-check[data-state=bad]").filter({ hasText: "line 1" }).waitFor();
    await page.locator("#send").click();
    await send(page, {});
    await done(page, 1);
    expect(await rows(page).count()).toBe(1);
  });

  test("the list is filtered by words and by state, and cleared", async () => {
    const { page, emulator } = await start();
    for (const script of [{ name: "tea" }, { name: "cake" }, { error: '{"errorMessage":"bad tea"}' }]) {
      await emulator.invoke(script);
    }
    await done(page, 3);
    const shown = (count: number) =>
      page
        .locator("#list-note")
        .filter({ hasText: new RegExp(`^${count} of 3$`) })
        .waitFor();
    await page.locator("#filter").fill("TEA");
    await shown(2);
    await page.locator("#state-filter").selectOption("failed");
    await shown(1);
    expect(await rows(page).count()).toBe(1);
    await page.locator("#clear").click();
    await page.locator("#list-note").filter({ hasText: "No invocations" }).waitFor();
  });

  test("the load shows who is busy and who waits", async () => {
    const { page, emulator } = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" } });
    const gate = new Gate();
    const busy = emulator.invoke({ print: "here\n", until: gate.path });
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    const calls = [busy, emulator.invoke({}), emulator.invoke({})];
    await page
      .locator("#load")
      .filter({ hasText: /1\/1 busy.*2\/100 queued/ })
      .waitFor();
    await page.locator("#invocations [data-status=queued]").first().waitFor();
    await gate.open();
    await Promise.all(calls);
    await page
      .locator("#load")
      .filter({ hasText: /0\/1 busy.*0\/100 queued/ })
      .waitFor();
  });

  test("keys alone are enough", async () => {
    const { page } = await start();
    const { keyboard } = page;
    const active = () => focused(page);
    for (const count of [1, 2]) {
      await keyboard.press("n");
      expect(await active()).toBe("event-text");
      await keyboard.press("Control+a");
      await keyboard.type(`{"respond":"${count}"}`);
      await keyboard.press("Control+Enter");
      await done(page, count);
      await keyboard.press("Escape");
    }
    await page.locator("#invocations [data-number='2'] [aria-current]").waitFor();
    await keyboard.press("j");
    expect(await active()).toBe("1");
    await keyboard.press("j");
    expect(await active()).toBe("1");
    await keyboard.press("r");
    await done(page, 3);
    await page.locator("#detail-title").filter({ hasText: "Invocation 3" }).waitFor();
    await keyboard.press("k");
    await keyboard.press("/");
    expect(await active()).toBe("filter");
    await keyboard.type("jk?n");
    expect(await page.locator("#filter").inputValue()).toBe("jk?n");
    await keyboard.press("Control+a");
    await keyboard.press("Delete");
    await keyboard.press("Escape");
    await keyboard.press("Enter");
    expect(await active()).toBe("3");
    await keyboard.press("?");
    expect(await page.locator("#help-dialog").innerText()).toContain("Copy it as curl");
    await keyboard.press("Escape");
    await page.locator("#help-dialog").waitFor({ state: "hidden" });
  });

  test("dark or light as the system has it, or as the person wants it", async () => {
    const { page } = await start();
    const isDark = () =>
      page.evaluate<boolean>("/rgb\\((\\d\\d?),/.test(getComputedStyle(document.body).backgroundColor)");
    expect(await isDark()).toBe(false);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await isDark()).toBe(true);
    await page.locator("#theme").click();
    expect(await isDark()).toBe(false);
    await page.reload();
    expect(await isDark()).toBe(false);
  });

  test("every text can be read and every control has a name, dark and light", async () => {
    const { page, emulator } = await start();
    await emulator.invoke({ exit: 1 });
    await emulator.invoke({ respond: '{"a":[1,"b",null]}', print: "ERROR no tea\nfine\n" });
    await done(page, 2);
    await rows(page).nth(0).locator("button").click();
    await page.locator(".log .trouble").waitFor();
    await page.locator("#event-text").fill("{");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate<string[]>(faintTexts)).toEqual([]);
    }
    expect(await page.evaluate<string[]>(namelessControls)).toEqual([]);
  });

  test("360 pixels are enough: one thing at a time, and nothing to scroll sideways", async () => {
    const { page, emulator } = await start();
    await page.setViewportSize({ width: 360, height: 740 });
    await emulator.invoke({ respond: `"${"x".repeat(500)}"`, print: `${"y".repeat(500)}\n` });
    await done(page, 1);
    expect(await page.evaluate<number>(widest)).toBeLessThanOrEqual(360);
    await rows(page).first().locator("button").click();
    await page.locator(".log .platform").first().waitFor();
    expect(await page.locator("#filter").isVisible()).toBe(false);
    expect(await focused(page)).toBe("detail-title");
    expect(await page.evaluate<number>(widest)).toBeLessThanOrEqual(360);
    await page.locator("#new-event").click();
    expect(await page.locator("#detail").isVisible()).toBe(false);
    expect(await page.evaluate<number>(widest)).toBeLessThanOrEqual(360);
    await page.locator("#send").click();
    await page.locator("#detail-title").filter({ hasText: "Invocation 2" }).waitFor();
    await page.locator(".back").click();
    expect(await rows(page).count()).toBe(2);
    expect(await focused(page)).toBe("2");
  });

  test("what others write stays text", async () => {
    const { page, emulator } = await start();
    const evil = "<img src=x onerror=alert(1)><script>alert(1)</script>";
    await emulator.invoke({ respond: JSON.stringify(evil), print: `${evil}\n` });
    await emulator.invoke({ error: JSON.stringify({ errorMessage: evil }), errorType: "Function.<b>x" });
    await done(page, 2);
    for (const at of [0, 1]) {
      await rows(page).nth(at).locator("button").click();
      await page.locator("#detail-title").waitFor();
      await page.locator(".json pre").first().waitFor();
    }
    expect(await page.locator(".json pre").first().textContent()).toContain(evil);
    expect(await page.locator("img[src=x], script:not([src]), #invocations b").count()).toBe(0);
    expect(page.problems).toEqual([]);
  });

  test("long texts are cut in the view, until all is wanted", async () => {
    const { page } = await start();
    await send(page, { print: "a line of the log, and nothing but a line\n", times: 3000, respondBytes: 300_000 });
    await page.locator(".log .more").waitFor();
    const lengthOf = (selector: string) =>
      page.evaluate<number>(`document.querySelector("${selector}").textContent.length`);
    expect(await lengthOf(".log pre")).toBe(20_000);
    expect(await page.locator(".log pre").textContent()).toContain("REPORT RequestId");
    expect(await lengthOf(".json pre")).toBe(20_000);
    await page.locator(".log .more").click();
    expect(await lengthOf(".log pre")).toBeGreaterThan(120_000);
    await page.locator(".json .more").click();
    expect(await lengthOf(".json pre")).toBe(300_000);
  });

  test("an emulator that was started anew is found again, with what it has", async () => {
    const { page, emulator, directory } = await start();
    await emulator.invoke({ name: "before" });
    await done(page, 1);
    await emulator.stop();
    await page.locator("#connection[data-state=lost]").waitFor();
    const next = await startEmulator(scriptedRuntime, { cwd: directory });
    await next.invoke({ name: "after" });
    await page.locator("#connection[data-state=live]").waitFor();
    await page.locator("#invocations").filter({ hasText: "after" }).waitFor();
    expect(await rows(page).count()).toBe(1);
  });
});
