// A running service with a generated desk: tickets, drafts and people's keys.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { PAGES_HOME, PROGRAM } = process.env;
const DESK = join(PAGES_HOME, "desk");

/** A ticket that tries everything that a ticket can try. */
export const HOSTILE = {
  id: "EVIL-1",
  customer: "Contoso <b>",
  contact: "Eva \u202Egnp.exe",
  source: "email",
  subject: "<script>window.hacked=1</script> \u202Eprinter \u{1F4A5}",
  body: "The printer </textarea><img src=x onerror='window.hacked=1'> is broken.\n"
    + "See https://bank.example@evil.example/login and javascript:window.hacked=1\n"
    + "Please help us with the printer.\n" + "A long line of the mail. ".repeat(41000),
};

/** Waits until `holds` gives something. */
export async function until(holds, what) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never came: ${what}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

export const PASSWORD = "tulpe fass regen knopf";

/** Sets a password by a link: the state of a browser in which that person is signed in. */
export async function follow(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#repeat").fill(PASSWORD);
  await page.locator("main button[type=submit]").click();
  await page.waitForURL(/\/(me|review)$/);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** Starts a service; `set` are more settings. */
export async function start(set) {
  const dir = mkdtempSync(join(tmpdir(), "firstline-pages-"));
  const env = { ...process.env, XDG_STATE_HOME: join(dir, "state") };
  const args = ["serve", "--bundle", join(DESK, "bundle"), "--listen", "127.0.0.1:0", ...set.flatMap((one) => ["--set", one])];
  const child = spawn(PROGRAM, args, { cwd: dir, env, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => { log += text; });
  const base = await until(() => log.match(/listens on ([^;\s]+)/)?.[1], "the service's address");
  const origin = base.startsWith("http") ? base : `http://${base}`;
  const run = (...command) => execFileSync(PROGRAM, command, { cwd: dir, env, encoding: "utf8" }).trim();
  const call = async (method, path, key, body) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch(origin + path, { method, headers, body: body && JSON.stringify(body), redirect: "manual" });
    return { status: answer.status, json: await answer.json().catch(() => null) };
  };
  const holds = (key) => until(async () => (await call("GET", "/v1/models", key)).status !== 401, "the key");
  const account = (name, right = "review", ...more) =>
    JSON.parse(run("users", "add", name, "--right", right, "--json", ...more));
  const desk = {
    origin, dir, call, log: () => log,
    async key(scope) {
      const key = run("store", "keys", "create", "--name", "glue", "--scope", scope);
      await holds(key);
      return key;
    },
    /** Adds a person; gives the path of the link with which they set their password, and their key. */
    account,
    person: (name, right) => account(name, right).link,
    /** Starts a programme that two people have signed, with a hold and an incident. */
    async programme(customer) {
      const keys = ["Ann Lead", "Bea Lead"].map((name) => account(name, "review,manage,approve_rollout").key);
      const post = async (path, key, body) => {
        await holds(key);
        const answer = await call("POST", path, key, body);
        if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.json)}`);
        return answer.json;
      };
      const { sha256, version } =
        await post("/v1/rollout/criteria", keys[0], { text: run("rollout", "criteria", "--example") });
      for (const key of keys) await post("/v1/rollout/sign", key, { version, sha256, typed_name: "A. Name", role: "manager" });
      const baseline = run("rollout", "baseline", "--tickets", join(DESK, "history.jsonl"), "--json");
      const on = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
      await post("/v1/rollout/start", keys[0], { pilots: [customer], reason: "Agreed", on, baseline });
      await post("/v1/rollout/hold", keys[0], { level: "pause_expansion", reason: "Two weeks of holidays" });
    },
    disable: (name) => run("users", "disable", name),
    /** Sends people's tickets of the history, and gives the decisions whose drafts wait. */
    async drafts(key, n, more = []) {
      const lines = readFileSync(join(DESK, "history.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
      const people = lines.filter((ticket) => ticket.source === "email").slice(0, n);
      const tickets = people.map(({ subject, body, customer, contact, source, opened_at }, i) =>
        ({ id: `N${i}`, subject, body, customer, contact, source, opened_at }));
      const all = [];
      for (let at = 0; at < tickets.length + more.length; at += 50) {
        const some = [...tickets, ...more].slice(at, at + 50);
        const answer = await call("POST", "/v1/triage", key, { tickets: some, drafts: true });
        if (answer.status !== 200) throw new Error(JSON.stringify(answer.json));
        all.push(...answer.json.results);
      }
      await until(async () => (await call("GET", "/v1/review?state=writing", key)).json.items.length === 0, "the drafts");
      return { results: all, waiting: (await call("GET", "/v1/review?limit=200", key)).json.items };
    },
    async stop() {
      const ended = new Promise((end) => child.once("exit", end));
      child.kill();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return desk;
}

/** Runs the scenarios whose names have one of the program's arguments in them, or all; ends the program. */
export async function runAll(scenarios, browser, desk) {
  const wanted = process.argv.slice(2);
  let [passed, failed] = [0, 0];
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    try {
      await scenario();
      passed += 1;
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n        ${String(error.message).split("\n").slice(0, 14).join("\n        ")}`);
    }
  }
  await browser.close();
  desk.stop();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}
