"""Fault 5: what keys can do that they should not.

Must never guess at secrets that are real: the guesses are wrong on purpose, and only whether the owner is still served
counts."""

import json
import re
import sqlite3
import threading
import time

import wire
from bench import Skip, attack, judge

from .moves import claim, pending, reviewed

# Seconds of guessing.
GUESSING = 6
# Texts that no reply may have, as a reviewer might be talked into sending them.
HARMFUL = [
    "Please reply with your password and the code of your authenticator.",
    "Bitte nennen Sie uns Ihr Passwort.",
    "Envie-nos a sua palavra-passe, por favor.",
    "Plеase send us your pаssword.",
]


@attack(5, "guesses at a known key id lock its owner out", needs="service")
def guesses(ground):
    site = ground.site()
    token = site.key("triage2")
    key_id = token.split("_")[1]
    ended, tried = threading.Event(), []

    def guess():
        while not ended.is_set():
            wrong = f"fl_{key_id}_{len(tried):064x}"
            tried.append(wire.call(site.base, "GET", "/v1/models", wrong, timeout=20).status)
            ended.wait(0.02)

    threads = [threading.Thread(target=guess, daemon=True) for _ in range(4)]
    [thread.start() for thread in threads]
    time.sleep(2)
    answers, end = [], time.monotonic() + GUESSING
    while time.monotonic() < end:
        answers.append(site.call("GET", "/v1/models", "triage2").status)
        time.sleep(0.1)
    ended.set()
    [thread.join(20) for thread in threads]
    refused = [status for status in answers if status != 200]
    if not refused and len(tried) < 10 * GUESSING:
        raise Skip(f"only {len(tried)} guesses were answered: too few to tell")
    if 200 in tried:
        return judge(["a wrong secret was let in"], "")
    about = f"{len(answers)} calls of the owner under {len(tried)} guesses"
    return judge([f"{len(refused)} of {about} were refused ({refused[0]})"] if refused else [], f"all of {about} were answered")


def decided(site, name):
    """A ticket that was decided: its id and its result."""
    sent = {"id": f"attack-{name}-{site.stamp}", "customer": site.customers["a"], "subject": "Printer",
            "body": f"The printer does not print. {name}"}  # fmt: skip
    result = (site.triage([sent]).json().get("results") or [{}])[0]
    if "decision_id" not in result:
        raise Skip(f"no ticket is decided: {result}")
    return sent, result


@attack(5, "a key for tickets writes how they ended", needs="service")
def outcomes(ground):
    site = ground.site()
    _, result = decided(site, "truth")
    label = result["fields"]["board"]["label"]
    item = {"decision_id": result["decision_id"], "final": {"board": label}}
    answer = site.call("POST", "/v1/feedback", "triage", {"items": [item]})
    joined = [r for r in answer.json().get("results", []) if "decision_id" in r]
    return judge([f"{answer.status}: its own decision is confirmed by it"] if answer.ok and joined else [], answer.short)


def agreement(site):
    """What the KPIs count of boards: known outcomes, and what else they say of labels that nobody knows."""
    answer = site.call("GET", "/v1/kpis", "admin")
    total = answer.json().get("total", {})
    of = total.get("agreement", {}).get("fields", {}).get("board", {}).get("of", 0)
    unknown = re.findall(r'"unknown[a-z_]*":\s*(\{[^}]*\}|\d+)', json.dumps(total))
    return of, [int(n) for found in unknown for n in re.findall(r"\d+", found)]


@attack(5, "labels that nobody knows count as disagreement", needs="service")
def labels(ground):
    site = ground.site()
    _, result = decided(site, "label")
    key = "feedback" if "feedback" in site.keys else "admin"
    before = agreement(site)
    item = {"decision_id": result["decision_id"], "final": {"board": "No Such Board Anywhere"}}
    answer = site.call("POST", "/v1/feedback", key, {"items": [item]})
    joined = (answer.json().get("results") or [{}])[0]
    if not answer.ok or "error" in joined:
        return judge([], f"refused: {joined.get('error', {}).get('code', answer.short)}")
    after = agreement(site)
    told = "unknown" in answer.text.lower() or sum(after[1]) > sum(before[1])
    if after[0] == before[0] and not told:
        raise Skip("neither the answer nor the KPIs say what became of it")
    return judge([] if told else ["a board that does not exist is taken as the truth"], "it is counted as unknown")


@attack(5, "an admin of one customer swaps everybody's bundle", needs="service")
def swaps(ground):
    site = ground.site()
    broken = []
    for body in ({}, {"bundle": "bundle"}, {"bundle": "nothing-here"}):
        answer = site.call("POST", "/v1/bundle", "admin_a", body)
        if answer.status not in (401, 403):
            broken.append(f"POST /v1/bundle {body} is answered with {answer.short}")
    return judge(broken, "403 each time")


@attack(5, "an admin of one customer sees figures of all", needs="service")
def figures(ground):
    site = ground.site()
    sent = {"id": f"attack-fig-{site.stamp}", "customer": site.customers["b"], "subject": "Mouse", "body": "The mouse is dead."}
    site.triage([sent])
    mine = site.call("GET", "/v1/kpis", "admin_a").json().get("total", {}).get("tickets", 0)
    all_of = site.call("GET", "/v1/kpis", "admin").json().get("total", {}).get("tickets", 0)
    if not all_of:
        raise Skip("the KPIs count nothing")
    other = site.call("GET", f"/v1/kpis?customer={site.customers['b'].replace(' ', '%20').replace('&', '%26')}", "admin_a")
    broken = [f"it counts {mine} of {all_of} tickets"] * (mine >= all_of) + ["it reads B's KPIs"] * other.ok
    return judge(broken, f"its own {mine} of {all_of} tickets")


@attack(5, "a reviewer signs with any name")
def reviewer(ground):
    site, name = ground.local(), "Chief Officer Nobody"
    _, draft = pending(site, "signed")
    answer = reviewed(site, draft, {"action": "approve", "reviewer": name}, "review")
    log = site.command("store", "audit", "export").lines()
    broken = ["the audit log names the reviewer so"] * any(f'"reviewer":"{name}"' in e["detail"].replace(": ", ":") for e in log)
    if any(name in str(row) for row in rows(site, "SELECT reviewer FROM reviews")):
        broken.append("the record of the review names the reviewer so")
    return judge(broken, f"{answer.short[:20]}: the reviewer on record is the key's")


def rows(site, query):
    """Rows of a store, read beside the service."""
    connection = sqlite3.connect(f"file:{site.store}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@attack(5, "an edited reply that asks for a password is sent unguarded", needs="service")
def edits(ground):
    site, broken = ground.site(), []
    for n, text in enumerate(HARMFUL):
        _, draft = pending(site, f"edit{n}")
        answer = reviewed(site, draft, {"action": "edit", "text": text})
        told = '"passed":false' in answer.text.replace(" ", "") or "findings" in answer.text.replace('"findings":[]', "")
        if answer.ok and not told:
            broken.append(f'"{text}" is approved without a finding')
    if len(broken) > 1:
        broken.insert(0, f"{len(broken)} of {len(HARMFUL)}")
    return judge(broken, f"{len(HARMFUL)} edits refused, or shown with what was found")


def replies(actions, draft):
    """Of these actions the reply of a decision."""
    return [a for a in actions if a["decision_id"] == draft["decision_id"] and a["kind"] == "reply"]


@attack(5, "another key uses an action's attempts up", needs="service")
def burns(ground):
    site = ground.site()
    _, draft = pending(site, "burnt")
    approved = reviewed(site, draft, {"action": "approve"})
    if not approved.ok:
        raise Skip(f"the draft was not approved: {approved.short}")
    claims = 0
    for _ in range(14):
        claims += len(replies(claim(site, "act2", "burner", lease=1), draft))
        time.sleep(1.15)
    if not claims:
        raise Skip("the other key never got the action")
    mine = replies(claim(site, "act", "glue", lease=5), draft)
    about = f"after {claims} claims by another key"
    return judge([] if mine else [f"the owner is given nothing {about}"], f"the owner is given the action {about}")
