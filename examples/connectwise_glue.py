#!/usr/bin/env python3
"""Connects ConnectWise PSA to Firstline: changed tickets go to triage, closed ones to feedback, approved actions to the PSA.

PSA_URL    https://HOST/v4_6_release/apis/3.0        PSA_AUTH   base64 of company+publickey:privatekey
PSA_CLIENT clientId of the integration               FIRSTLINE_URL, FIRSTLINE_KEY  a key of scopes triage,feedback,act
"""
import json, os, socket, sys, time, urllib.error, urllib.parse, urllib.request

PSA, FIRST = os.environ["PSA_URL"], os.environ.get("FIRSTLINE_URL", "http://127.0.0.1:8484")
PSA_HEADERS = {"Authorization": "Basic " + os.environ["PSA_AUTH"], "clientId": os.environ.get("PSA_CLIENT", "")}
FIRST_HEADERS = {"Authorization": "Bearer " + os.environ["FIRSTLINE_KEY"]}
MARK = "[ref FL-"  # In what Firstline has sent: it is never the customer's words.
OWNER = f"glue-{socket.gethostname()}"  # The same after a restart: what it had claimed is still its own.

def call(method, url, headers, body=None):
    data = None if body is None else json.dumps(body).encode()
    while True:
        try:
            request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:  # Too much at a time: wait as long as we are told to.
            if error.code not in (429, 503):
                raise
            time.sleep(int(error.headers.get("Retry-After") or 5))

def name(ticket, field):
    return (ticket.get(field) or {}).get("name")

def is_description(note, psa):
    """Whether a note is what the ticket was opened with: a contact's words, or a technician's who entered them with the ticket."""
    entered = (psa.get("_info") or {}).get("dateEntered") or ""
    with_ticket = entered and (note.get("dateCreated") or "")[:16] == entered[:16]
    return note.get("detailDescriptionFlag") and MARK not in note["text"] and (with_ticket or not note.get("member"))

def in_order(notes):
    return sorted(notes, key=lambda note: note["id"])

def canonical(psa, notes):
    first = next((note["text"] for note in in_order(notes) if is_description(note, psa)), "")
    return {"id": str(psa["id"]), "subject": psa["summary"], "body": first, "customer": name(psa, "company"),
            "contact": name(psa, "contact"), "source": name(psa, "source"),
            "opened_at": (psa.get("_info") or {}).get("dateEntered")}

def outcome(psa, notes):
    fields = {"board": name(psa, "board"), "type": name(psa, "type"), "subtype": name(psa, "subType"),
              "priority": name(psa, "priority"), "technician": name(psa, "owner")}
    replies = [n for n in in_order(notes) if n.get("member") and not n.get("internalAnalysisFlag")]
    first = replies[0] if replies else {}
    return {"ticket_id": str(psa["id"]), "customer": name(psa, "company"), "final": {k: v for k, v in fields.items() if v}, "reply": first.get("text"),
            "first_response_at": first.get("dateCreated") or psa.get("dateResponded"), "resolved_at": psa.get("dateResolved")}

def act(action):
    ticket = f"{PSA}/service/tickets/{action['ticket_id']}"
    # Words for one customer never go to another: Firstline may not have heard yet that the ticket moved, or has meanwhile.
    company = name(call("GET", ticket, PSA_HEADERS), "company") or ""
    state = call("GET", f"{FIRST}/v1/outbox/{action['id']}", FIRST_HEADERS)["state"]
    if state != "claimed" or " ".join(company.lower().split()) != action["customer"]:
        raise OSError(f"the ticket is {company!r}'s by now, or the action is {state}")
    if action["kind"] == "set_fields":  # Setting a value twice does no harm.
        paths = {"subtype": "subType", "technician": "owner"}
        changes = [{"op": "replace", "path": paths.get(f, f), "value": {"name": v}} for f, v in action["payload"]["fields"].items()]
        return call("PATCH", ticket, PSA_HEADERS, changes)
    text = action["payload"]["text"]  # A second attempt asks first whether the first one got through.
    if action["attempts"] > 1 and any(note["text"] == text for note in call("GET", f"{ticket}/notes", PSA_HEADERS)):
        return None
    return call("POST", f"{ticket}/notes", PSA_HEADERS, {"text": text, "detailDescriptionFlag": True, "processNotifications": True})

def once(since):
    tickets, page = [], 1
    while page == 1 or len(tickets) == 200 * (page - 1):
        query = {"conditions": f"lastUpdated>=[{since}]", "orderBy": "id", "pageSize": "200", "page": page}
        tickets += call("GET", f"{PSA}/service/tickets?{urllib.parse.urlencode(query)}", PSA_HEADERS)
        page += 1
    with_notes = [(t, call("GET", f"{PSA}/service/tickets/{t['id']}/notes", PSA_HEADERS)) for t in tickets]
    still_open = [canonical(t, notes) for t, notes in with_notes if not t.get("closedFlag")]
    closed = [outcome(t, notes) for t, notes in with_notes if t.get("closedFlag")]
    for n in range(0, len(still_open), 256):
        call("POST", f"{FIRST}/v1/triage", FIRST_HEADERS, {"tickets": still_open[n:n + 256], "drafts": True, "mode": "async"})
    for n in range(0, len(closed), 256):
        call("POST", f"{FIRST}/v1/feedback", FIRST_HEADERS, {"items": closed[n:n + 256]})
    for action in call("POST", f"{FIRST}/v1/outbox/claim", FIRST_HEADERS, {"owner": OWNER})["actions"]:
        done = {"owner": OWNER}
        try:
            act(action)
        except OSError as error:
            done["error"] = str(error)
        try:
            call("POST", f"{FIRST}/v1/outbox/{action['id']}", FIRST_HEADERS, done)
        except urllib.error.HTTPError as error:  # 409: it became void, or somebody else's.
            if error.code != 409:
                raise
            print(f"action {action['id']}: {error.read().decode()}", file=sys.stderr)

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
