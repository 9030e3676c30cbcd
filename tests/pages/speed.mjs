// How fast the review page is with many waiting drafts. Prints milliseconds and bytes. Needs python3, for its sqlite3.
//
//     PAGES_HOME=target/pages PROGRAM=target/debug/firstline node tests/pages/speed.mjs [DRAFTS]
import { execFileSync } from "node:child_process";
import { start } from "./desk.mjs";

const many = Number(process.argv[2] ?? 10_000);
const desk = await start(["phase=assist"]);
try {
  const glue = await desk.key("admin");
  const password = "tulpe fass regen knopf";
  const signedIn = await fetch(desk.origin + "/password", {
    method: "POST",
    redirect: "manual",
    headers: { "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ code: desk.person("Jo Berg").split("#")[1], password, repeat: password }),
  });
  const cookie = (signedIn.headers.get("set-cookie") ?? "").split(";")[0];
  const { waiting } = await desk.drafts(glue, 60);
  // The drafts that there are, over and over, each with a ticket of its own.
  execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
def columns(table):
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
def copy(table, new, where):
    names = [name for name in columns(table) if name != "seq"]
    values = ", ".join(new.get(name, "x." + name) for name in names)
    db.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} x, n WHERE {where}")
count = int(sys.argv[2])
there = db.execute("SELECT COUNT(*) FROM decisions WHERE draft_state = 'pending'").fetchone()[0]
db.execute("CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?) SELECT i FROM c", (count // there,))
db.execute("CREATE TEMP TABLE old AS SELECT id, ticket_id FROM decisions WHERE draft_state = 'pending'")
copy("tickets", {"id": "x.id || '-' || n.i", "number": "x.number || '-' || n.i", "decision_id": "x.decision_id || '-' || n.i"}, "x.id IN (SELECT ticket_id FROM old)")
copy("decisions", {"id": "x.id || '-' || n.i", "ticket_id": "x.ticket_id || '-' || n.i"}, "x.id IN (SELECT id FROM old)")
db.commit()
print(db.execute("SELECT COUNT(*) FROM decisions WHERE draft_state = 'pending'").fetchone()[0], "drafts wait")
`, `${desk.dir}/firstline.db`, String(many)], { stdio: "inherit" });
  const id = waiting[0].decision_id;
  const board = encodeURIComponent(waiting[0].fields.board.label);
  const customer = encodeURIComponent(waiting[0].ticket.customer);
  for (const [name, path, words] of [
    ["queue", "/review"], ["newest", "/review?sort=newest"], ["draft", `/review/${id}`], ["board", `/review?board=${board}`],
    ["customer", `/review?customer=${customer}`], ["person", "/review?tab=person"], ["undone", "/review?tab=undone"],
    ["mine", "/review?tab=mine"], ["fields", "/review?tab=fields"], ["search", "/review", "printer"], ["no hit", "/review", "zzzz"],
  ]) {
    const times = [];
    let bytes = 0;
    for (let i = 0; i < 60; i += 1) {
      const begin = performance.now();
      const answer = await fetch(desk.origin + path, {
        method: words ? "POST" : "GET",
        headers: { cookie, "sec-fetch-site": "same-origin" },
        body: words ? new URLSearchParams({ words }) : undefined,
      });
      bytes = (await answer.text()).length;
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      if (i >= 10) times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    const ms = (share) => times[Math.floor(share * (times.length - 1))].toFixed(1);
    console.log(`${name.padEnd(9)} p50 ${ms(0.5).padStart(6)} ms  p95 ${ms(0.95).padStart(6)} ms  ${bytes} bytes`);
  }
} finally {
  await desk.stop();
}
