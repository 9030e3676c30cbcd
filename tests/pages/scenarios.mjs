// The scenarios of the review page and of the people, clicked in a browser. Prints a line each, and `N passed, N failed` at the end.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import assert from "node:assert/strict";
import { HOSTILE, PASSWORD, follow, runAll, start } from "./desk.mjs";
import { ofPeople } from "./people.mjs";

const { PAGES_HOME, CHROMIUM } = process.env;
const packages = createRequire(join(PAGES_HOME, "package.json"));
const { chromium } = packages("playwright-core");
const AXE = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");
const UNDO = 4;

const desk = await start(["phase=assist", `review.undo_seconds=${UNDO}`, "review.look_seconds=1", "review.sends=mail",
  "review.psa_link=https://psa.example/t/{id}"]);
const glue = await desk.key("admin");
desk.glue = glue;
const { results } = await desk.drafts(glue, 90, [HOSTILE]);
const evil = results.at(-1).decision_id;
const bare = ["B1", "B2", "B3"].map((id) => ({ id, customer: "Contoso", subject: "Scanner", body: "It jams." }));
await desk.call("POST", "/v1/triage", glue, { tickets: bare });
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const trouble = [];
/** Somebody who has set a password by their link: the state of a browser in which they are signed in. */
const person = (name, right) => follow(browser, desk.origin + desk.person(name, right));
await desk.programme("Contoso");
const [jo, kim, boss] = [await person("Jo Berg"), await person("Kim Ito"), await person("Bo Boss", "admin")];

/** A page of somebody's; what it asks for and complains of is kept. */
async function open(who, options = {}, quiet = false) {
  const context = await browser.newContext({ storageState: who, locale: "en-GB",
    viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(desk.origin + "/")) trouble.push(`asks elsewhere: ${url}`);
    if (/printer|script|Contoso|tulpe/i.test(url)) trouble.push(`words in an address: ${url}`);
  });
  page.on("pageerror", (error) => trouble.push(`fault: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !quiet) trouble.push(`console: ${message.text()}`);
  });
  page.on("dialog", (dialog) => { trouble.push("a dialog"); void dialog.dismiss(); });
  return page;
}
const at = (page, path) => page.goto(desk.origin + path);
/** What axe finds on a page that was opened with `bypassCSP`. */
async function found(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => Reflect.get(window, "axe").run());
  const told = (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`;
  const isSerious = (one) => ["serious", "critical"].includes(one.impact);
  return { serious: violations.filter(isSerious).map(told), other: violations.filter((one) => !isSerious(one)).map(told) };
}
const asks = (item) => item.draft.verify_identity || item.rules.some((rule) => rule.verify_identity);
const pending = async () => (await desk.call("GET", "/v1/review?limit=200", glue)).json.items;
/** The next draft that nobody has decided, of which no rule asks who wrote. */
const fresh = async () => (await pending()).find((item) => !asks(item) && item.decision_id !== evil);
const state = async (id) => (await desk.call("GET", `/v1/decisions/${id}`, glue)).json.draft_state;

const scenarios = {
  ...ofPeople({ desk, open, at, person, boss, found, PASSWORD, PAGES_HOME }),
  async "a draft opens from the queue, under a strict policy"() {
    const page = await open(jo);
    const answer = await at(page, "/review");
    const policy = answer.headers()["content-security-policy"];
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.equal(answer.headers()["cache-control"], "no-store");
    assert.ok((await answer.body()).length < 60_000, "the queue's page is too large");
    await page.locator(".lines a").first().click();
    await page.locator("#text").waitFor();
    assert.ok((await page.locator("#subject").textContent()).length > 3);
    const opened = await page.reload();
    assert.ok((await opened.body()).length < 60_000, "a draft's page is too large");
    const style = await page.request.get(desk.origin + await page.locator("link[rel=stylesheet]").getAttribute("href"));
    assert.match(style.headers()["cache-control"], /immutable/);
    await page.context().close();
  },
  async "approving waits for the reader, and can be undone in time"() {
    const page = await open(jo);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    assert.ok(await page.locator("#approve").isDisabled(), "it can be approved unseen");
    await page.locator("#approve:enabled").waitFor();
    await page.keyboard.press("a");
    await page.getByText("Approved.").waitFor();
    assert.equal(await state(id), "approved");
    const outbox = (await desk.call("POST", "/v1/outbox/claim", glue, { owner: "t", limit: 100 })).json;
    assert.equal(outbox.actions.filter((one) => one.decision_id === id).length, 0, "it is claimed at once");
    await page.keyboard.press("u");
    await page.getByText("Undone. The draft waits again.").waitFor();
    assert.equal(await state(id), "pending");
    await at(page, "/review?tab=undone");
    assert.ok(await page.locator(`[data-id="${id}"]`).isVisible());
    await page.context().close();
  },
  async "an undo that comes too late is refused"() {
    const page = await open(jo);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.locator("#approve:enabled").click();
    await page.locator("#undo").waitFor();
    const version = await page.locator("#toast input[name=version]").getAttribute("value");
    await page.locator("#undo").waitFor({ state: "detached", timeout: (UNDO + 3) * 1000 });
    await page.waitForTimeout(1500);
    const late = await page.request.post(`${desk.origin}/review/${id}/undo`,
      { form: { version }, headers: { origin: desk.origin }, maxRedirects: 0 });
    assert.equal(late.status(), 409);
    assert.equal(await state(id), "approved");
    await page.context().close();
  },
  async "keys are dead while somebody types, and can be changed and switched off"() {
    const page = await open(jo);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.locator("#approve:enabled").waitFor();
    await page.locator("#text").focus();
    await page.keyboard.type("arsju!");
    assert.equal(await state(id), "pending");
    await page.locator("#text").blur();
    await page.keyboard.press("?");
    assert.ok(await page.locator("#keys").getAttribute("open") !== null, "no help");
    await page.locator("#key-reject").fill("x");
    await page.locator("#key-reject").blur();
    await page.reload();
    await page.keyboard.press("r");
    assert.equal(await page.locator("#reject").getAttribute("open"), null);
    await page.keyboard.press("x");
    assert.notEqual(await page.locator("#reject").getAttribute("open"), null);
    await page.locator("#keys summary").click();
    await page.locator("#keys-on").uncheck();
    await page.reload();
    await page.keyboard.press("x");
    await page.keyboard.press("j");
    assert.equal(await page.locator("#reject").getAttribute("open"), null);
    assert.match(page.url(), new RegExp(id));
    await page.context().close();
  },
  async "j and k go through the queue"() {
    const page = await open(jo);
    await at(page, "/review");
    const [first, second] = await page.locator(".line").evaluateAll((all) => all.slice(0, 2).map((one) => one.dataset.id));
    await at(page, `/review/${first}`);
    await page.keyboard.press("j");
    await page.waitForURL(`**/review/${second}`);
    await page.keyboard.press("k");
    await page.waitForURL(`**/review/${first}`);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "words");
    await page.context().close();
  },
  async "an edit is saved, compared and checked as it is written, and survives a reload"() {
    const page = await open(jo);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.locator("#text").focus();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" It costs 4711 altogether.");
    await page.locator("#edit ins").first().waitFor({ timeout: 6000 });
    assert.match(await page.locator("#edit").textContent(), /Saved/);
    assert.match(await page.locator("#edit").textContent(), /Neither ticket nor sources/);
    await page.reload();
    assert.match(await page.locator("#text").inputValue(), /4711 altogether/);
    // Another browser of the same person has it too.
    const other = await open(jo);
    await at(other, `/review/${id}`);
    assert.match(await other.locator("#text").inputValue(), /4711 altogether/);
    await other.context().close();
    await page.locator("#text").press("Control+Enter");
    await page.getByText("Your text was approved.").or(page.locator("[role=alert]")).first().waitFor();
    assert.equal(await page.locator("[role=alert]").allTextContents().then((all) => all.join()), "");
    assert.equal(await state(id), "edited");
    await page.context().close();
  },
  async "a server that can't be reached loses no text"() {
    const page = await open(jo, {}, true);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.context().setOffline(true);
    await page.locator("#text").press("Control+End");
    await page.keyboard.type(" Written offline.");
    await page.getByText("Not saved: the server can’t be reached.").waitFor({ timeout: 8000 });
    await page.context().setOffline(false);
    await page.reload();
    assert.match(await page.locator("#text").inputValue(), /Written offline/);
    await page.context().close();
  },
  async "a session that ends during an edit loses no text"() {
    const page = await open(jo, {}, true);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.context().clearCookies();
    await page.locator("#text").press("Control+End");
    await page.keyboard.type(" Written too late.");
    await page.getByText("Your session has ended.").waitFor({ timeout: 8000 });
    assert.match(await page.locator("#text").inputValue(), /Written too late/);
    await page.locator("#send").click();
    await page.getByText("E_AUTH").waitFor();
    await page.context().addCookies(jo.cookies);
    await at(page, `/review/${id}`);
    assert.match(await page.locator("#text").inputValue(), /Written too late/);
    assert.equal(await state(id), "pending");
    await page.context().close();
  },
  async "of two reviewers the loser sees both texts"() {
    const [one, two] = [await open(jo, {}, true), await open(kim)];
    const { decision_id: id } = await fresh();
    await at(one, `/review/${id}`);
    await at(two, `/review/${id}`);
    await one.reload();
    assert.match(await one.locator("#presence").textContent(), /Kim Ito/);
    await two.locator("#text").fill("We have it done for you.");
    await two.locator("#send").click();
    await two.waitForURL(/done=/);
    await one.locator("#text").fill("My own words about it.");
    await one.locator("#send").click();
    await one.getByText("Somebody else was first").waitFor();
    const page = await one.locator("main").textContent();
    assert.match(page, /Kim Ito has decided/);
    assert.match(page, /We have it done for you\./);
    assert.match(await one.locator("#own").inputValue(), /My own words about it\./);
    assert.equal(await state(id), "edited");
    await Promise.all([one.context().close(), two.context().close()]);
  },
  async "where a rule asks who wrote, nothing is sent before somebody says so"() {
    const page = await open(jo, {}, true);
    const found = (await pending()).find(asks);
    assert.ok(found, "no ticket asks for an identity");
    await at(page, `/review/${found.decision_id}`);
    await page.locator("#approve:enabled").click();
    await page.getByText("a rule asks who the writer is").waitFor();
    assert.equal(await state(found.decision_id), "pending");
    await page.locator("#identity").check();
    await page.locator("#approve:enabled").click();
    await page.getByText("Approved.").waitFor();
    await page.context().close();
  },
  async "a draft is rejected with a reason, and not without"() {
    const page = await open(jo, {}, true);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.keyboard.press("r");
    await page.locator("button[value=reject]").click();
    await page.getByText("Choose why the draft is rejected").waitFor();
    assert.equal(await state(id), "pending");
    await page.locator("#reject summary").click();
    await page.locator("#reason").selectOption("tone");
    await page.locator("button[value=reject]").click();
    await page.getByText("Rejected.").waitFor();
    assert.equal(await state(id), "rejected");
    await page.context().close();
  },
  async "only labels that go together are offered"() {
    const page = await open(jo);
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    const board = page.locator("#field_board");
    const before = await page.locator("#field_type option").allTextContents();
    const other = await board.locator("option:not([selected])").first().getAttribute("value");
    await board.selectOption(other);
    await page.locator(".field.changed").first().waitFor();
    const after = await page.locator("#field_type option").allTextContents();
    assert.notDeepEqual(after, before);
    assert.equal(await page.locator("#field_board").inputValue(), other);
    await page.locator("#fields").click();
    await page.getByText("The fields were set.").waitFor();
    const decision = (await desk.call("GET", `/v1/decisions/${id}`, glue)).json;
    assert.equal(decision.outcome.board, other);
    await page.context().close();
  },
  async "everything works without a script"() {
    const page = await open(kim, { javaScriptEnabled: false });
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    await page.locator("#text").fill("Please restart the program and tell us whether it helps.");
    await page.locator("button[value=check]").last().click();
    assert.ok(await page.locator("#edit ins").first().isVisible());
    await page.locator("#send").click();
    await page.getByText("Your text was approved.").waitFor();
    await page.locator("#undo").click();
    await page.getByText("Undone.").waitFor();
    assert.equal(await state(id), "pending");
    await page.locator("#approve").click();
    assert.equal(await state(id), "edited");
    await page.locator("details.look summary").click();
    await page.locator("select[name=theme]").selectOption("dark");
    await page.locator("select[name=language]").selectOption("de");
    await page.locator("details.look button").click();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    await page.context().close();
  },
  async "a phone shows all of it in one column"() {
    const page = await open(jo, { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
    const { decision_id: id } = await fresh();
    await at(page, `/review/${id}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${width} px wide`);
    const small = await page.locator("button:visible, summary:visible, select:visible, input:visible, nav a:visible, .lines a:visible")
      .evaluateAll((all) => all.map((one) => ({ text: one.outerHTML.slice(0, 80), box: one.getBoundingClientRect() }))
        .filter(({ text, box }) => !text.includes("first") && (box.height < 24 || box.width < 24)).map(({ text }) => text));
    assert.deepEqual(small, []);
    await page.screenshot({ path: join(PAGES_HOME, "phone.png") });
    await page.screenshot({ path: join(PAGES_HOME, "phone-full.png"), fullPage: true });
    await page.context().close();
  },
  async "a hostile ticket is text"() {
    const page = await open(jo);
    await at(page, `/review/${evil}`);
    assert.equal(await page.evaluate(() => Reflect.get(window, "hacked")), undefined);
    assert.match(await page.locator("#subject").textContent(), /<script>/);
    const text = await page.locator("#ticket").textContent();
    assert.match(text, /\[host: evil\.example\]/);
    assert.equal(await page.locator("#ticket .plain a, #ticket img").count(), 0);
    const answer = await page.reload();
    assert.ok((await answer.body()).length < 100_000, "a mail of a megabyte makes a page of one");
    await page.screenshot({ path: join(PAGES_HOME, "hostile.png") });
    await at(page, `/review/${evil}?all=1`);
    await page.context().close();
  },
  async "words that are looked for stand in no address"() {
    const page = await open(jo);
    await at(page, "/review");
    await page.locator("#words").fill("zzz-not-there");
    await page.locator(".search button").click();
    await page.getByText("No ticket matches.").waitFor();
    assert.ok(!page.url().includes("zzz"));
    await page.context().close();
  },
  async "nothing serious is found by axe, in both themes"() {
    const { decision_id: id } = await fresh();
    for (const colorScheme of ["light", "dark"]) {
      // The page of a decision that is not there is meant to be refused.
      const page = await open(jo, { colorScheme, bypassCSP: true }, true);
      for (const [name, path] of [["queue", "/review"], ["draft", `/review/${id}`], ["fields", "/review?tab=fields"],
        ["hostile", `/review/${evil}`], ["missing", "/review/none"]]) {
        await page.goto(desk.origin + path);
        await page.locator("details:not(#keys):not(.look)").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
        assert.deepEqual((await found(page)).serious, [], `${name}, ${colorScheme}`);
      }
      await page.context().close();
    }
  },
  async "pictures are taken"() {
    const { decision_id: id } = await fresh();
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(jo, { colorScheme });
      await at(page, `/review/${id}`);
      await page.locator("#approve:enabled").waitFor();
      await page.screenshot({ path: join(PAGES_HOME, `desktop-${colorScheme}.png`) });
      await page.context().close();
    }
    const wide = await open(jo, { viewport: { width: 2200, height: 1200 } });
    await at(wide, `/review/${id}`);
    await wide.screenshot({ path: join(PAGES_HOME, "wide.png") });
    await wide.context().close();
  },
  async "field changes are approved together"() {
    const page = await open(jo);
    await at(page, "/review?tab=fields");
    const boxes = page.locator("input[name=item]");
    const n = Math.min(await boxes.count(), 3);
    assert.ok(n > 0, "no decision without a draft");
    for (let i = 0; i < n; i += 1) await boxes.nth(i).check();
    await page.locator("#lines button").click();
    await page.getByText(`${n} of ${n} were approved.`).waitFor();
    await page.context().close();
  },
  async "nothing was asked for elsewhere, and no console complained"() {
    assert.deepEqual(trouble, []);
  },
};

await runAll(scenarios, browser, desk);
