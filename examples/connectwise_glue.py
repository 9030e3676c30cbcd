#!/usr/bin/env python3
"""The batch API in short: ConnectWise tickets go to triage, closed ones to feedback, approved actions back. `firstline connect` does more.

PSA_URL    https://HOST/v4_6_release/apis/3.0        PSA_AUTH   base64 of company+publickey:privatekey
PSA_CLIENT clientId of the integration               FIRSTLINE_URL, FIRSTLINE_KEY  a key of scopes triage,feedback,act
"""
import json, os, socket, sys, time, urllib.error, urllib.parse, urllib.request

PSA, FIRST = os.environ["PSA_URL"], os.environ.get("FIRSTLINE_URL", "http://127.0.0.1:8484")
HEADERS = {PSA: {"Authorization": "Basic " + os.environ["PSA_AUTH"], "clientId": os.environ.get("PSA_CLIENT", "")},
           FIRST: {"Authorization": "Bearer " + os.environ["FIRSTLINE_KEY"]}}
OWNER = f"glue-{socket.gethostname()}"  # The same after a restart: what it had claimed is still its own.
MARK = "[ref FL-"  # In what Firstline has sent.

def call(method, base, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {**HEADERS[base], "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method), timeout=60) as answer:
        return json.load(answer)

def name(ticket, field):
    return (ticket.get(field) or {}).get("name")

def canonical(psa, notes):
    said = [note["text"] for note in notes if note.get("detailDescriptionFlag") and not note.get("member") and MARK not in note["text"]]
    return {"id": str(psa["id"]), "subject": psa["summary"], "body": said[0] if said else "", "customer": name(psa, "company"),
            "contact": name(psa, "contact"), "source": name(psa, "source"), "opened_at": (psa.get("_info") or {}).get("dateEntered")}

def outcome(psa, notes):
    fields = {"board": "board", "type": "type", "subtype": "subType", "priority": "priority", "technician": "owner"}
    replies = [note for note in notes if note.get("detailDescriptionFlag") and (note.get("member") or MARK in note["text"])]
    first = replies[0] if replies else {}
    return {"ticket_id": str(psa["id"]), "customer": name(psa, "company"), "final": {f: name(psa, p) for f, p in fields.items() if name(psa, p)},
            "reply": first.get("text"), "first_response_at": first.get("dateCreated"), "resolved_at": psa.get("dateResolved")}

def act(action):
    ticket = f"/service/tickets/{action['ticket_id']}"
    if " ".join((name(call("GET", PSA, ticket), "company") or "").lower().split()) != action["customer"]:
        return {"returned": "the ticket is another customer's"}  # Words for one customer never go to another.
    if action["kind"] == "set_fields":  # Setting a value twice does no harm.
        paths = {"subtype": "subType", "technician": "owner"}
        call("PATCH", PSA, ticket, [{"op": "replace", "path": paths.get(f, f), "value": {"name": v}} for f, v in action["payload"]["fields"].items()])
        return {}
    text = action["payload"]["text"]  # A second attempt asks first whether the first one got through.
    mark = text[text.rindex(MARK):]
    if action["attempts"] == 1 or not any(mark in note["text"] for note in call("GET", PSA, f"{ticket}/notes?pageSize=1000")):
        call("POST", PSA, f"{ticket}/notes", {"text": text, "detailDescriptionFlag": True, "processNotifications": True})
    return {}

def once(since):
    still_open, closed = [], []
    query = urllib.parse.urlencode({"conditions": f"lastUpdated>=[{since}]", "orderBy": "id", "pageSize": "1000"})
    for psa in call("GET", PSA, f"/service/tickets?{query}"):
        notes = sorted(call("GET", PSA, f"/service/tickets/{psa['id']}/notes?pageSize=1000"), key=lambda n: (n.get("dateCreated") or "", n["id"]))
        closed.append(outcome(psa, notes)) if psa.get("closedFlag") else still_open.append(canonical(psa, notes))
    for path, key, items in ("/v1/triage", "tickets", still_open), ("/v1/feedback", "items", closed):
        for n in range(0, len(items), 256):
            call("POST", FIRST, path, {key: items[n:n + 256]} | ({"drafts": True, "mode": "async"} if key == "tickets" else {}))
    for action in call("POST", FIRST, "/v1/outbox/claim", {"owner": OWNER})["actions"]:
        try:
            told = act(action)
        except OSError as error:
            told = {"error": str(error)}
        call("POST", FIRST, f"/v1/outbox/{action['id']}", {"owner": OWNER} | told)

if __name__ == "__main__":
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86400))
    while True:
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))  # A minute's overlap misses nothing.
        try:
            once(since)
            since = began
        except OSError as error:  # The next round begins where this one did.
            print(f"{began}: {error}", file=sys.stderr)
        time.sleep(15)
