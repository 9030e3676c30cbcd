// The manager's pages in a browser: narrow, dark, without a script, by keyboard. Prints a line each, and `N passed, N failed` at the end.
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import assert from "node:assert/strict";
import { HOSTILE, follow, runAll, start } from "./desk.mjs";

const { PAGES_HOME, PROGRAM, CHROMIUM } = process.env;
const packages = createRequire(join(PAGES_HOME, "package.json"));
const { chromium } = packages("playwright-core");
const AXE = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["/week", "/rollout", "/baseline", "/incidents", "/outbox"];

const desk = await start(["phase=assist", "review.undo_seconds=0"]);
const glue = await desk.key("admin");
const ada = desk.account("Ada Boss", "review,manage,approve_rollout,stop");
const [boss, second] = [ada.key, desk.account("Lea Second", "review,approve_rollout").key];
const { results } = await desk.drafts(glue, 20, [HOSTILE]);
const say = (...command) => execFileSync(PROGRAM, command, { encoding: "utf8" });
/** The page of the hold that the programme has. */
let holdPage = "";
/** A programme that started a month ago, with an incident, an approved reply and a hold. */
async function programme() {
  const text = say("rollout", "criteria", "--example");
  const { sha256 } = (await desk.call("POST", "/v1/rollout/criteria", boss, { text })).json;
  for (const key of [boss, second]) {
    await desk.call("POST", "/v1/rollout/sign", key, { version: 1, sha256, typed_name: "A. Name", role: "lead" });
  }
  const baseline = say("rollout", "baseline", "--tickets", join(PAGES_HOME, "desk", "history.jsonl"), "--json");
  const on = new Date(Date.now() - 30 * 864e5).toISOString().slice(0, 10);
  const started = await desk.call("POST", "/v1/rollout/start", boss, { pilots: [HOSTILE.customer], reason: "Agreed", on, baseline });
  assert.equal(started.status, 200, JSON.stringify(started.json));
  const incident = { key: "1", decision_id: results.at(-1).decision_id, at: new Date(Date.now() - 864e6).toISOString(),
    kind: "correction", severity: "high", note: "<b>wrong</b>" };
  const told = await desk.call("POST", "/v1/incidents", glue, { incidents: [incident] });
  assert.equal(told.json.recorded, 1, JSON.stringify(told.json));
  const held = await desk.call("POST", "/v1/rollout/hold", boss, { level: "pause", reason: "A look <i>first</i>" });
  assert.equal(held.status, 200, JSON.stringify(held.json));
  holdPage = `/rollout/holds/${held.json.hold}`;
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const signedIn = await follow(browser, desk.origin + ada.link);
const trouble = [];

/** The boss's page; what it asks for and complains of is kept. */
async function open(options = {}) {
  const context = await browser.newContext({ storageState: signedIn, locale: "en-GB",
    viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("request", (request) => {
    if (!request.url().startsWith(desk.origin + "/")) trouble.push(`asks elsewhere: ${request.url()}`);
  });
  page.on("pageerror", (error) => trouble.push(`fault: ${error.message}`));
  page.on("console", (message) => { if (message.type() === "error") trouble.push(`console: ${message.text()}`); });
  page.on("dialog", (dialog) => { trouble.push("a dialog"); void dialog.dismiss(); });
  return page;
}
const at = (page, path) => page.goto(desk.origin + path);

/** What axe finds serious on a page with all its parts open. */
async function serious(page) {
  await page.locator("details:not(.look)").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
  await page.evaluate(AXE);
  const found = await page.evaluate(() => Reflect.get(window, "axe").run());
  return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

/** Whether the page is wider than the screen. */
const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

async function look(name, pages) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open({ colorScheme, bypassCSP: true });
    for (const path of pages) {
      const answer = await at(page, path);
      assert.equal(answer.status(), 200, path);
      assert.deepEqual(await serious(page), [], `${path}, ${colorScheme}, ${name}`);
      await page.screenshot({ path: join(PAGES_HOME, `${name}${path.replaceAll("/", "-")}-${colorScheme}.png`), fullPage: true });
    }
    await page.context().close();
  }
}

const scenarios = {
  async "empty pages are sound in both themes"() {
    await look("empty", PAGES);
  },
  async "full pages are sound in both themes"() {
    await programme();
    await look("full", [...PAGES, holdPage]);
  },
  async "a phone shows everything without scrolling sideways"() {
    for (const language of ["en", "de", "fr"]) {
      const page = await open({ viewport: { width: 320, height: 640 } });
      await at(page, "/week");
      await page.locator(".look summary").click();
      await page.locator("select[name=language]").selectOption(language);
      await page.locator(".look button").click();
      for (const path of [...PAGES, holdPage]) {
        await at(page, path);
        assert.equal(await page.locator("html").getAttribute("lang"), language);
        await page.locator("details:not(.look)").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
        assert.equal(await overflows(page), false, `${path}, ${language}`);
      }
      await at(page, "/week");
      await page.screenshot({ path: join(PAGES_HOME, `phone-week-${language}.png`), fullPage: true });
      await page.context().close();
    }
  },
  async "a page is small, and a chart stands beside its table"() {
    const page = await open();
    for (const path of PAGES) {
      const answer = await at(page, path);
      assert.ok((await answer.body()).length < 120_000, path);
    }
    await at(page, "/week");
    const charts = await page.locator("svg.weeks").count();
    assert.ok(charts > 0, "no chart");
    assert.equal(await page.locator("svg.weeks[role=img][aria-label]").count(), charts);
    await page.context().close();
  },
  async "an incident is decided by keyboard alone"() {
    const page = await open();
    await at(page, "/incidents?state=suspected");
    await page.locator("textarea[name=reason]").first().focus();
    await page.keyboard.type("The reply named the wrong printer.");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("value")), "confirmed");
    await page.keyboard.press("Enter");
    await page.getByText("Done.").waitFor();
    await at(page, "/incidents?state=confirmed");
    await page.getByText("The reply named the wrong printer.").waitFor();
    await page.context().close();
  },
  async "a stop works without a script, at once"() {
    const page = await open({ javaScriptEnabled: false });
    await at(page, "/rollout");
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("heading", { name: "Stopped" }).waitFor();
    await page.getByRole("heading", { name: "How to resume" }).waitFor();
    const status = (await desk.call("GET", "/v1/rollout", glue)).json;
    assert.equal(status.holds.filter((one) => one.level === "stop").length, 1);
    await page.context().close();
  },
  async "the report stands under its own policy"() {
    const page = await open();
    const answer = await at(page, "/report/day-90");
    assert.equal(answer.status(), 200);
    assert.match(answer.headers()["content-security-policy"], /^default-src 'none'; style-src 'unsafe-inline'/);
    assert.equal(await page.locator("script").count(), 0);
    await page.context().close();
  },
  async "nothing was asked for elsewhere, and no console complained"() {
    assert.deepEqual(trouble, []);
  },
};

await runAll(scenarios, browser, desk);
