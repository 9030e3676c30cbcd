"""Fault 2: a ticket that moves to another customer, and ids that two customers share.

The desk approves an edited reply to a ticket of customer A; then the ticket comes again as customer B's. Must never take a
missing draft for a held wall: a ticket without a waiting draft tries nothing."""

import re

from bench import Skip, attack, judge

TEXTS = [
    ("Outlook crash", "Outlook crashes whenever I open the calendar, since this morning. Webmail works."),
    ("Printer offline", "The printer on the second floor is offline and nothing prints."),
    ("VPN drops", "The VPN drops every few minutes when I work from home."),
    ("Monitor", "The monitor says no signal since the desk was moved."),
    ("Slow laptop", "My laptop is very slow after the update of yesterday."),
]
WORDS = "zanzibarword"
EDITED = "Please bring the velvetlamp to the meeting."


def pending(site, prefix, key="admin", customer="a"):
    """A new ticket of a customer with a draft that waits for review: the ticket and the decision."""
    for n, (subject, body) in enumerate(TEXTS):
        sent = {
            "id": f"attack-{prefix}-{n}-{site.stamp}", "customer": site.customers[customer],
            "contact": "Eva Stone", "source": "email", "subject": subject, "body": f"{body} It says {WORDS} and {prefix}.",
        }  # fmt: skip
        answer = site.triage([sent], key, drafts=True)
        result = (answer.json().get("results") or [{}])[0]
        if result.get("draft_state") == "pending":
            return sent, result
    raise Skip(f"no ticket gets a draft that waits for review: the last answer was {answer.short}")


def reviewed(site, decision, body, key="admin"):
    """The answer to a review of a decision's draft."""
    headers = {"if-match": f'"{decision["version"]}"'}
    return site.call("POST", f"/v1/review/{decision['decision_id']}", key, body, headers=headers)


def claim(site, key, owner="attacker", limit=100, lease=2):
    """Actions that a key gets from the outbox."""
    answer = site.call("POST", "/v1/outbox/claim", key, {"owner": owner, "limit": limit, "lease_seconds": lease})
    return answer.json().get("actions", []) if answer.ok else []


class Moved:
    """A ticket of A's with an approved edit, moved to B by a key for all customers."""

    def __init__(self, site):
        self.site = site
        site.key("a"), site.key("b")
        self.ticket, self.old = pending(site, "moved")
        edit = reviewed(site, self.old, {"action": "edit", "text": EDITED})
        if not edit.ok:
            raise Skip(f"the edit was refused: {edit.short}")
        self.waits, waiting = pending(site, "waits")
        moved = [self.ticket, self.waits]
        self.pending = waiting
        again = [{**t, "customer": site.customers["b"], "body": "The scanner jams on every second page."} for t in moved]
        answer = site.triage(again, drafts=True)
        self.new = answer.json().get("results", [{}, {}])
        if any("decision_id" not in result for result in self.new):
            raise Skip(f"the move was refused: {answer.short} {str(self.new)[:100]}")

    def secrets_in(self, text):
        """Of A's words those that stand in a text."""
        mine = [WORDS, "velvetlamp", self.old["decision_id"], self.pending["decision_id"]]
        return [secret for secret in mine if secret in text]


def moved(ground):
    """The move, made once on the shared service."""
    site = ground.site()
    return ground.once(f"moved {site.base}", lambda: Moved(site))


@attack(2, "the new customer's key reads the old text, draft and edit", needs="service")
def reads(ground):
    move = moved(ground)
    paths = [f"/v1/decisions/{d['decision_id']}" for d in (move.old, move.pending, *move.new)]
    paths += [f"/v1/review?state={state}&limit=200" for state in ("pending", "approved", "edited", "rejected", "writing", "none")]
    paths += ["/v1/outbox?limit=100"]
    broken = []
    for path in paths:
        answer = move.site.call("GET", path, "b")
        if answer.ok and (found := move.secrets_in(answer.text)):
            names = ", ".join("A's decision" if re.match("[0-9a-f-]{20}", f) else f for f in found)
            broken.append(f"GET {re.sub('[0-9a-f-]{20,}', '{id}', path)} shows {names}")
    return judge(broken, f"{len(paths)} paths read by B's key, none of A's words")


@attack(2, "the reply that was approved before the move is still claimed", needs="service")
def acts(ground):
    move = moved(ground)
    broken = []
    for key in ("b", "admin", "a"):
        for action in claim(move.site, key, f"attack-{key}"):
            if action.get("decision_id") == move.old["decision_id"] and action["kind"] == "reply":
                broken.append(f"key {key!r} is given A's reply, to be sent to a ticket that is B's now")
        if broken:
            break
    return judge(broken, "nobody is given the reply")


@attack(2, "a draft that waited is approved after the move", needs="service")
def late(ground):
    move = moved(ground)
    broken = []
    for key in ("b", "admin"):
        answer = reviewed(move.site, move.pending, {"action": "approve"}, key)
        if answer.ok:
            broken.append(f"key {key!r} approves A's draft for B's ticket")
            break
    return judge(broken, "refused")


@attack(2, "a move leaves no trace in the audit log")
def trace(ground):
    site = ground.local()
    moved(ground)
    log = site.command("store", "audit", "export").lines()
    noted = [e for e in log if re.search(r"move|void", e["action"]) or re.search(r'"(\w*moved?\w*|\w*void\w*)":', e["detail"])]
    found = f"{len(noted)} entries, such as {noted[0]['action'] if noted else ''}"
    return judge([] if noted else [f"none of {len(log)} entries speaks of it"], found)


def both(site, ticket_id, first, second):
    """Two customers' keys send tickets of one id; their results."""
    results = []
    for key in (first, second):
        sent = {"id": ticket_id, "customer": site.customers[key], "contact": "Eva Stone", "source": "email",
                "subject": f"Question of {key}", "body": f"The {key} scanner jams on every second page."}  # fmt: skip
        answer = site.triage([sent], key)
        results.append((answer.json().get("results") or [{"error": {"code": answer.short}}])[0])
    return results


@attack(2, "another customer's key takes, blocks and probes ticket ids", needs="service")
def ids(ground):
    site, broken = ground.site(), []
    site.key("a"), site.key("b")
    stamp = site.stamp
    taken = both(site, f"attack-id1-{stamp}", "a", "b")
    if "decision_id" not in taken[0]:
        raise Skip(f"A's own ticket was refused: {taken[0]}")
    if "decision_id" not in taken[1]:
        code = taken[1].get("error", {}).get("code")
        broken.append(f"B learns that the id is taken, and can't use it: {code}")
    blocked = both(site, f"attack-id2-{stamp}", "b", "a")
    if "decision_id" not in blocked[1]:
        broken.append("B has blocked A's id by using it first")
    if not broken:
        seen = site.call("GET", f"/v1/decisions/{taken[0]['decision_id']}", "a")
        other = site.call("GET", f"/v1/decisions/{taken[1]['decision_id']}", "a")
        if not seen.ok or other.ok or taken[0]["decision_id"] == taken[1]["decision_id"]:
            broken.append("the two tickets are not kept apart")
    return judge(broken, "both keys use the same ids, apart")


@attack(2, "feedback by ticket id reaches another customer's ticket", needs="service")
def news(ground):
    site = ground.site()
    stamp = site.stamp
    sent = {"id": f"attack-news-{stamp}", "customer": site.customers["a"], "subject": "Scanner", "body": "The scanner jams."}
    mine = (site.triage([sent], "a").json().get("results") or [{}])[0]
    if "decision_id" not in mine:
        raise Skip(f"A's own ticket was refused: {mine}")
    tries = [{"ticket_id": sent["id"], "reopened": True}, {"decision_id": mine["decision_id"], "reopened": True}]
    answer = site.call("POST", "/v1/feedback", "b", {"items": tries})
    joined = [r for r in answer.json().get("results", []) if r.get("decision_id") == mine["decision_id"]]
    return judge(["B's key tells how A's ticket ended"] if joined else [], f"neither id is found: {answer.status}")
