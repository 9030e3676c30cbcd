// Scenarios of accounts, and of all pages together: signing in and out, what is wrong, no script, axe, a phone, pictures.
import { join } from "node:path";
import assert from "node:assert/strict";

/** Every page, and who opens it: nobody or the administrator. */
const PAGES = [["login", "/login", false], ["password", "/password", false], ["me", "/me", true], ["people", "/people", true],
  ["week", "/week", true], ["rollout", "/rollout", true], ["baseline", "/baseline", true], ["incidents", "/incidents", true],
  ["outbox", "/outbox", true], ["review", "/review", true]];
const NOBODY = { cookies: [], origins: [] };

/** Presses Tab until the element of this selector has the focus. */
export async function tabTo(page, selector, key = "Tab") {
  for (let i = 0; i < 150; i += 1) {
    if (await page.evaluate((one) => document.activeElement?.matches(one), selector)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${key} never comes to ${selector}`);
}

export function ofPeople({ desk, open, at, person, boss, found, PASSWORD, PAGES_HOME }) {
  /** Signs in through the form, in a browser of nobody. */
  const signIn = async (page, name, password) => {
    await at(page, "/login");
    await page.locator("#name").fill(name);
    await page.locator("#password").fill(password);
    await page.locator("main button[type=submit]").click();
  };
  /** Runs for each page, in a new browser. */
  const forEach = async (options, look) => {
    for (const [name, path, isIn] of PAGES) {
      const page = await open(isIn ? boss : NOBODY, options);
      await at(page, path);
      await look(page, name);
      await page.context().close();
    }
  };
  return {
    async "somebody signs in and out with the keyboard alone"() {
      await person("Ida Keys");
      const page = await open(NOBODY);
      await at(page, "/review?tab=mine");
      await page.waitForURL(/\/login\?next=/);
      await page.keyboard.type("ida keys");
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/review\?tab=mine$/);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement?.className), "skip");
      await tabTo(page, "form.out button");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/login$/);
      await at(page, "/me");
      assert.match(page.url(), /\/login\?next=%2Fme$/);
      await page.context().close();
    },
    async "a wrong password is told next to the form, and the name stays"() {
      const page = await open(NOBODY, { locale: "de-DE" }, true);
      await signIn(page, "Ida Keys", "not the one at all");
      const alert = page.locator("form [role=alert]");
      assert.match(await alert.textContent(), /Name oder Passwort ist falsch/);
      assert.equal(await page.locator("#name").inputValue(), "Ida Keys");
      assert.equal(await page.locator("#password").getAttribute("aria-describedby"), await alert.getAttribute("id"));
      assert.equal(await page.evaluate(() => document.activeElement?.id), "password");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/review$/);
      assert.equal(await page.locator("html").getAttribute("lang"), "de");
      await page.context().close();
    },
    async "a link's code fills its field and leaves the address"() {
      const page = await open(NOBODY);
      const link = desk.person("Lea Link");
      await at(page, link);
      await page.locator("#code").waitFor();
      await page.waitForFunction(() => location.hash === "");
      assert.equal(await page.locator("#code").inputValue(), link.split("#")[1]);
      assert.equal(new URL(page.url()).pathname, "/password");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "password");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/review$/);
      await page.goBack();
      assert.ok(!page.url().includes(link.split("#")[1]), "the code is in the history");
      await page.context().close();
    },
    async "a disabled person is signed out"() {
      const page = await open(await person("Max Gone"));
      await at(page, "/review");
      desk.disable("Max Gone");
      await page.reload();
      assert.match(page.url(), /\/login\?next=%2Freview$/);
      await page.context().close();
    },
    async "a person's own page and the people need no script"() {
      const page = await open(boss, { javaScriptEnabled: false }, true);
      await at(page, "/people");
      await page.locator("#name").fill("Nina New");
      await page.locator("#display").fill("Nina <b>");
      await page.locator("#right-review").check();
      await page.locator("#customers").fill("Contoso");
      await page.locator("main form.fields button").click();
      const link = await page.locator(".link code").textContent();
      assert.match(link, /^\/password#[0-9a-f]{64}$/);
      const row = page.locator("tbody tr").filter({ hasText: "Nina <b>" });
      assert.match(await row.textContent(), /contoso/);
      await row.getByRole("button", { name: "New link: Nina New" }).click();
      assert.notEqual(await page.locator(".link code").textContent(), link);
      await page.locator("#name").fill("NINA new");
      await page.locator("#right-review").check();
      await page.locator("main form.fields button").click();
      assert.match(await page.locator("form [role=alert]").textContent(), /Nina New/);
      await row.getByRole("button", { name: "Disable: Nina New" }).click();
      assert.match(await row.textContent(), /disabled since .* (UTC|[A-Z]{3,4})/);
      await page.context().close();

      const own = await open(await person("Ole Own"), { javaScriptEnabled: false }, true);
      await at(own, "/me");
      assert.match(await own.locator("main").textContent(), /Ole Own.*this one/s);
      const change = async (current, repeat) => {
        await own.locator("#current").fill(current);
        await own.locator("#password").fill("knopf regen fass tulpe");
        await own.locator("#repeat").fill(repeat);
        await own.locator("main form.fields button").click();
      };
      await change(PASSWORD, "another one altogether");
      assert.match(await own.locator("form [role=alert]").textContent(), /differ/);
      await change(PASSWORD, "knopf regen fass tulpe");
      assert.equal(await own.locator("form [role=alert]").count(), 0);
      await own.getByRole("button", { name: /^End session/ }).click();
      assert.match(own.url(), /\/login$/);
      await own.context().close();
    },
    async "axe finds nothing serious on any page, in both themes"() {
      const table = [];
      for (const colorScheme of ["light", "dark"]) {
        await forEach({ colorScheme, bypassCSP: true }, async (page, name) => {
          await page.locator("main details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
          const { serious, other } = await found(page);
          console.log(`        axe ${colorScheme.padEnd(5)} ${name.padEnd(9)} ${serious.length} serious, ${other.length} other`);
          for (const one of other) console.log(`            ${one.slice(0, 150)}`);
          table.push(...serious.map((one) => `${name} ${colorScheme} ${one}`));
        });
      }
      assert.deepEqual(table, []);
    },
    async "no page is wider than a small phone"() {
      const wide = [];
      await forEach({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }, async (page, name) => {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > 320) wide.push(`${name}: ${width} px`);
        const small = await page.locator("button:visible, summary:visible, select:visible, input:visible, nav a:visible")
          .evaluateAll((all) => all.map((one) => ({ text: one.outerHTML.slice(0, 80), box: one.getBoundingClientRect() }))
            .filter(({ box }) => box.height < 24 || box.width < 24).map(({ text }) => text));
        wide.push(...small.map((one) => `${name}: small target ${one}`));
        await page.screenshot({ path: join(PAGES_HOME, `${name}-phone.png`), fullPage: true });
      });
      assert.deepEqual(wide, []);
    },
    async "every page is pictured"() {
      for (const colorScheme of ["light", "dark"]) {
        await forEach({ colorScheme }, (page, name) =>
          page.screenshot({ path: join(PAGES_HOME, `${name}-${colorScheme}.png`), fullPage: true }));
      }
      await forEach({ locale: "de-DE" }, (page, name) => page.screenshot({ path: join(PAGES_HOME, `${name}-de.png`), fullPage: true }));
    },
    async "a reviewer goes through twenty drafts by keyboard alone"() {
      const page = await open(await person("Tia Tab"));
      const id = () => page.locator("form#review").getAttribute("data-id");
      const other = (than) => page.waitForFunction((old) => {
        const form = document.querySelector("form#review");
        return form instanceof HTMLElement && form.dataset.id !== old;
      }, than);
      await at(page, "/review");
      await tabTo(page, ".lines a");
      await page.keyboard.press("Enter");
      await page.locator("#subject").waitFor();
      const done = { approve: [], edit: [], reject: [] };
      for (let n = 0, looked = 0; n < 20; looked += 1) {
        assert.ok(looked < 60, "the queue ends");
        const here = await id();
        if (await page.locator("#identity").count() > 0 || await page.locator("#approve").count() === 0) {
          await page.keyboard.press("j");
          await other(here);
          continue;
        }
        const act = n % 5 === 3 ? "edit" : n % 5 === 4 ? "reject" : "approve";
        if (act === "approve") {
          await page.locator("#approve:enabled").waitFor();
          await page.keyboard.press("a");
        } else if (act === "edit") {
          await page.keyboard.press("e");
          await page.keyboard.press("Control+End");
          await page.keyboard.type(" Thank you.");
          await page.keyboard.press("Control+Enter");
        } else {
          await page.keyboard.press("r");
          await page.keyboard.press("ArrowDown");
          await tabTo(page, "button[value=reject]");
          await page.keyboard.press("Enter");
        }
        await other(here);
        assert.equal(await page.evaluate(() => document.activeElement?.id), "subject", `after ${act} the next draft is read`);
        done[act].push(here);
        n += 1;
      }
      const due = { approve: "approved", edit: "edited", reject: "rejected" };
      for (const [act, ids] of Object.entries(done)) {
        for (const one of ids) {
          const decision = (await desk.call("GET", `/v1/decisions/${one}`, desk.glue)).json;
          assert.equal(decision.draft_state, due[act]);
        }
      }
      await page.context().close();
    },
  };
}
