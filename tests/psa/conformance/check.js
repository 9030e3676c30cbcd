// Checks of one client for Node, as check.py has them for Python.

const assert = require("node:assert/strict");

const [url] = process.argv.slice(2);
let passed = 0;
let failed = 0;

/** Runs one check, which fails by an exception or by `false`; gives its result. */
async function call(name, check) {
  try {
    const result = await check();
    assert.notEqual(result, false, "the check said no");
    passed += 1;
    console.log(`ok ${name}`);
    return result;
  } catch (error) {
    failed += 1;
    const why = error instanceof Error ? error.message : JSON.stringify(error);
    console.log(`FAIL ${name}: ${String(why).split(/\s+/).join(" ").slice(0, 300)}`);
    return undefined;
  }
}

async function counts(ticket) {
  const state = await (await fetch(`${url}/_fake/state`)).json();
  const all = Object.values(state.writes).reduce((sum, n) => sum + n, 0);
  return { writes: state.writes[ticket] ?? 0, all, notes: state.notes, mails: state.mails, tickets: state.tickets };
}

/** Runs `act`, in which the client writes to `ticket` so often, and the desk gains so many notes, mails and tickets. */
async function written(ticket, times, act, { notes = 0, mails = 0, tickets = 0 } = {}) {
  const before = await counts(ticket);
  const result = await act();
  const after = await counts(ticket);
  const gained = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
  assert.deepEqual(gained, { writes: times, all: times, notes, mails, tickets });
  return result;
}

/** Asserts that `act` is refused, and gives the refusal. */
async function refused(act) {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error("it was taken");
}

function close() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

module.exports = { assert, call, close, counts, refused, url, written };
