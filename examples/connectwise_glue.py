#!/usr/bin/env python3
"""The batch API in short: ConnectWise tickets go to triage, closed ones to feedback, approved actions back. `firstline connect` does more.

PSA_URL    https://HOST/v4_6_release/apis/3.0        PSA_AUTH   base64 of company+publickey:privatekey
PSA_CLIENT clientId of the integration               FIRSTLINE_URL, FIRSTLINE_KEY  a key of scopes triage,feedback,act
"""
import json, os, socket, sys, time, urllib.parse, urllib.request
from datetime import datetime, timedelta, timezone

PSA, FIRST = os.environ["PSA_URL"], os.environ.get("FIRSTLINE_URL", "http://127.0.0.1:8484")
HEADERS = {PSA: {"Authorization": "Basic " + os.environ["PSA_AUTH"], "clientId": os.environ.get("PSA_CLIENT", "")},
           FIRST: {"Authorization": "Bearer " + os.environ["FIRSTLINE_KEY"]}}
OWNER = f"glue-{socket.gethostname()}"  # The same after a restart: what it had claimed is still its own.
MARK, TIME = "[ref FL-", "%Y-%m-%dT%H:%M:%SZ"  # The mark is in what Firstline has sent.
FIELDS = {"board": "board", "type": "type", "subtype": "subType", "priority": "priority", "technician": "owner"}
SENT, START = {}, f"{datetime.now(timezone.utc):{TIME}}"  # Labels of tickets opened since, when first sent. Of others, only blanks are set.

def call(method, base, path, body=None):
    headers = {**HEADERS[base], "Content-Type": "application/json"}
    request = urllib.request.Request(base + path, body and json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)

def pages(path, page=1, **query):
    found = call("GET", PSA, path + "?" + urllib.parse.urlencode(query | {"pageSize": 1000, "page": page}))
    return found if len(found) < 1000 else found + pages(path, page + 1, **query)

def name(ticket, field):
    return (ticket.get(field) or {}).get("name")

def labels(psa):
    return {f: name(psa, path) for f, path in FIELDS.items() if name(psa, path)}

def text(note):
    return note.get("text") or ""

def canonical(psa, notes):
    said = [text(note) for note in notes if note.get("detailDescriptionFlag") and not note.get("member") and MARK not in text(note)]
    return {"id": str(psa["id"]), "subject": psa["summary"], "body": said[0] if said else "", "customer": name(psa, "company"),
            "contact": name(psa, "contact"), "source": name(psa, "source"), "opened_at": (psa.get("_info") or {}).get("dateEntered")}

def outcome(psa, notes):
    replies = [note for note in notes if note.get("detailDescriptionFlag") and (note.get("member") or MARK in text(note))] + [{}]
    return {"ticket_id": str(psa["id"]), "customer": name(psa, "company"), "final": labels(psa),
            "reply": text(replies[0]) or None, "first_response_at": replies[0].get("dateCreated"), "resolved_at": psa.get("dateResolved")}

def act(action):
    ticket = f"/service/tickets/{action['ticket_id']}"
    psa = call("GET", PSA, ticket)
    if " ".join((name(psa, "company") or "").lower().split()) != action["customer"]:
        return {"returned": "the ticket is another customer's"}  # Words for one customer never go to another.
    if action["kind"] == "set_fields":
        now, then, wanted = labels(psa), SENT.get(action["ticket_id"], {}), action["payload"]["fields"]
        for field, label in wanted.items():  # What a person has set since stays.
            if now.get(field) not in (label, then.get(field)):
                return {"returned": f"{field} is {now.get(field)} by now"}
        call("PATCH", PSA, ticket, [{"op": "replace", "path": FIELDS[f], "value": {"name": v}} for f, v in wanted.items()])
        SENT[action["ticket_id"]] = then | wanted
        return {}
    reply = action["payload"]["text"]  # A second attempt asks first whether the first one got through.
    if action["attempts"] == 1 or not any(reply[reply.rindex(MARK):] in text(note) for note in pages(f"{ticket}/notes")):
        call("POST", PSA, f"{ticket}/notes", {"text": reply, "detailDescriptionFlag": True, "processNotifications": True})
    return {}

def once(since):
    still_open, closed, newest = [], [], since
    for psa in pages("/service/tickets", conditions=f"lastUpdated>=[{since}]", orderBy="id"):
        notes = sorted(pages(f"/service/tickets/{psa['id']}/notes"), key=lambda n: (n.get("dateCreated") or "", n["id"]))
        newest = max(newest, (psa.get("_info") or {}).get("lastUpdated") or "")
        if psa.get("closedFlag"):
            closed.append(outcome(psa, notes))
        else:
            still_open.append(canonical(psa, notes))
            if (still_open[-1]["opened_at"] or "") >= START:
                SENT.setdefault(str(psa["id"]), labels(psa))
    for path, key, items in ("/v1/triage", "tickets", still_open), ("/v1/feedback", "items", closed):
        for n in range(0, len(items), 256):
            call("POST", FIRST, path, {key: items[n:n + 256]} | ({"drafts": True, "mode": "async"} if key == "tickets" else {}))
    for action in call("POST", FIRST, "/v1/outbox/claim", {"owner": OWNER})["actions"]:
        try:
            told = act(action)
        except Exception as error:
            told = {"error": repr(error)}
        call("POST", FIRST, f"/v1/outbox/{action['id']}", {"owner": OWNER} | told)
    return max(since, f"{datetime.fromisoformat(newest[:19]) - timedelta(minutes=1):{TIME}}")  # By the PSA's clock: nothing is missed.

if __name__ == "__main__":
    since = f"{datetime.now(timezone.utc) - timedelta(days=1):{TIME}}"
    while True:
        try:
            since = once(since)
        except Exception as error:  # The next round begins where this one did.
            print(repr(error), file=sys.stderr)
        time.sleep(15)
