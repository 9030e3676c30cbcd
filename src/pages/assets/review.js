// @ts-check
/**
 * The pages' own script: keys, the time a draft was looked at, active time, the undo countdown, a copy of an edit in this window, and
 * a code out of the address. It decides nothing: every action is a form that works without it. It sends nothing anywhere but to this
 * service.
 */

/** Seconds without input after which a person counts as away. */
const IDLE = 120;
/** The most active seconds that are sent. */
const MOST = 1800;

/** @template {Element} T @param {string} selector @returns {T | null} */
const find = (selector) => document.querySelector(selector);
/** @param {string} text @param {number} n */
const fill = (text, n) => text.replace("{n}", String(n));
/** @param {Storage} store @param {string} name @returns {string} */
const kept = (store, name) => {
  try { return store.getItem(name) ?? ""; } catch { return ""; }
};
/** @param {Storage} store @param {string} name @param {string} value */
const keep = (store, name, value) => {
  // A browser that keeps nothing is no fault.
  try { value ? store.setItem(name, value) : store.removeItem(name); } catch { return; }
};

/** @type {() => HTMLFormElement | null} */
const form = () => find("form#review");
/** @type {() => HTMLTextAreaElement | null} */
const text = () => find("textarea#text");
const mine = () => `edit:${form()?.dataset.id}:${form()?.dataset.version}`;

// The edit: the server has it after two seconds, this window at once.
function edits() {
  const box = text();
  if (!box || box.readOnly) return;
  const before = kept(sessionStorage, mine());
  if (before && before !== box.value) {
    box.value = before;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const [first] = [box.defaultValue];
  box.addEventListener("input", () => keep(sessionStorage, mine(), box.value === first ? "" : box.value));
  form()?.addEventListener("submit", (event) => {
    const { submitter } = /** @type {SubmitEvent} */ (event);
    const done = submitter instanceof HTMLButtonElement && !["check", "choices"].includes(submitter.value);
    // What is not accepted comes back with the text; a session that has ended brings back nothing.
    if (done && navigator.onLine) keep(sessionStorage, "sent", mine());
  });
}
/** The text of a review that went through is not needed any more. @param {boolean} done */
function forget(done) {
  const sent = kept(sessionStorage, "sent");
  if (sent && done) keep(sessionStorage, sent, "");
  keep(sessionStorage, "sent", "");
}
/** @param {string} message */
function warn(message) {
  const place = find("#edit");
  if (place) place.textContent = message;
}
document.addEventListener("htmx:sendError", () => warn(form()?.dataset.notSaved ?? ""));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {CustomEvent} */ (event).detail;
  warn((xhr.status === 401 ? form()?.dataset.expired : form()?.dataset.notSaved) ?? "");
});

// Active time: the window is visible and a person does something. And how long a draft was on screen.
let active = 0, looked = 0, last = Date.now();
for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "input"]) {
  addEventListener(name, () => { last = Date.now(); }, { passive: true, capture: true });
}
function tick() {
  if (document.visibilityState === "visible") {
    looked += 0.25;
    if (Date.now() - last < IDLE * 1000) active = Math.min(active + 0.25, MOST);
  }
  /** @type {HTMLInputElement | null} */
  const field = find("#active");
  if (field) field.value = active.toFixed(1);
  /** @type {HTMLElement | null} */
  const clock = find("#clock");
  const shown = clock && fill(clock.dataset.words ?? "", Math.floor(active));
  if (clock && shown && clock.textContent !== shown) clock.textContent = shown;
  ready();
}

// Approving is possible once the draft could have been read.
let label = "";
function ready() {
  /** @type {HTMLButtonElement | null} */
  const button = find("#approve");
  if (!button) return;
  label ||= button.textContent ?? "";
  const left = Math.ceil(Number(button.dataset.look) - looked);
  button.disabled = left > 0;
  const words = left > 0 ? fill(button.dataset.wait ?? "", left) : label;
  if (button.textContent !== words) button.textContent = words;
}

// The countdown of an undo.
function undo() {
  /** @type {HTMLElement | null} */
  const place = find("#toast [data-left]");
  if (!place) return;
  const end = Date.now() + 1000 * Number(place.dataset.left);
  const timer = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    place.textContent = fill(place.dataset.words ?? "", Math.max(left, 0));
    if (left <= 0) {
      clearInterval(timer);
      place.closest("form")?.remove();
    }
  }, 250);
}

/** @param {string} selector */
const press = (selector) => {
  /** @type {HTMLElement | null} */
  const button = find(selector);
  button?.click();
};
/** @param {string} reason */
function reject(reason) {
  /** @type {HTMLDetailsElement | null} */
  const part = find("#reject");
  /** @type {HTMLSelectElement | null} */
  const choice = find("#reason");
  if (!part || !choice) return;
  part.open = true;
  if (reason) choice.value = reason;
  choice.focus();
}
/** What each key does; nothing is decided by one key but what can be undone. @type {Record<string, () => void>} */
const actions = {
  approve: () => press("#approve"),
  edit: () => text()?.focus(),
  reject: () => reject(""),
  fields: () => press("#fields"),
  undo: () => press("#undo"),
  next: () => press("#next"),
  previous: () => press("#previous"),
  search: () => { /** @type {HTMLElement | null} */ (find("#words"))?.focus(); },
  psa: () => press("#psa"),
  problem: () => reject("unsafe"),
  help: () => {
    /** @type {HTMLDetailsElement | null} */
    const part = find("#keys");
    if (!part) return;
    part.open = !part.open;
    part.scrollIntoView({ block: "nearest" });
  },
};
/** @type {() => HTMLInputElement[]} */
const boxes = () => Array.from(document.querySelectorAll("input[data-key]"));
function keys() {
  /** @type {Record<string, string>} */
  let chosen = {};
  try { chosen = JSON.parse(kept(localStorage, "keys") || "{}"); } catch { chosen = {}; }
  /** @type {HTMLInputElement | null} */
  const on = find("#keys-on");
  if (!on) return;
  on.checked = chosen.off !== "1";
  for (const box of boxes()) box.value = chosen[box.dataset.key ?? ""] ?? box.value;
  const save = () => {
    const all = Object.fromEntries(boxes().map((box) => [box.dataset.key, box.value]));
    keep(localStorage, "keys", JSON.stringify({ ...all, off: on.checked ? "" : "1" }));
  };
  for (const box of [on, ...boxes()]) box.addEventListener("change", save);
  document.addEventListener("keydown", (event) => {
    const at = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && at === text()) {
      event.preventDefault();
      press("#send");
    }
    if (event.key === "Escape" && at instanceof HTMLElement) at.blur();
    const typing = at.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !on.checked) return;
    const box = boxes().find((one) => one.value && one.value === event.key);
    const action = actions[box?.dataset.key ?? ""];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

// The code of a link stands behind the #, which browsers never send: into its field, and out of the history.
function takeCode() {
  /** @type {HTMLInputElement | null} */
  const field = find("#code");
  if (!field || location.hash.length < 2) return;
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  /** @type {HTMLElement | null} */ (find("#password"))?.focus();
}

takeCode();
forget(Boolean(find("#toast p")));
edits();
keys();
undo();
tick();
setInterval(tick, 250);
// After an action the next draft is what is read next.
/** @type {HTMLElement | null} */
const subject = find("#subject");
if (find("#toast p")) subject?.focus();
