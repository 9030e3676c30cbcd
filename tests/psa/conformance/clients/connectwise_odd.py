"""connectpyse (MIT): slashes behind collections, parameters that mean nothing, answers of POST that must be 201."""

import base64

from check import CONNECTWISE, TICKETS, Checks, title
from connectpyse.service import boards_api, ticket, ticket_note, ticket_notes_api, tickets_api
from connectpyse.system import callback, callbacks_api, members_api
from connectpyse.time import time_entries_api, time_entry

checks = Checks()
desk = checks.desk
URL = desk.url + "/v4_6_release/apis/3.0"
KEYS = f"{CONNECTWISE['company']}+{CONNECTWISE['public']}:{CONNECTWISE['private']}"
AUTH = {"Authorization": "Basic " + base64.b64encode(KEYS.encode()).decode(), "clientId": CONNECTWISE["client"]}


def api(kind, *place):
    return kind(*place, url=URL, auth=AUTH)


def listed():
    tickets = api(tickets_api.TicketsAPI)
    tickets.conditions, tickets.pageSize = "closedFlag=False", 1000
    found = list(tickets.get_tickets())
    assert [ticket.summary for ticket in found] == [title(n) for n in range(TICKETS)]
    return found


found = checks.call("tickets: conditions", listed)
ID = found[0].id


def pages():
    seen = []
    for page in (1, 2, 3):
        tickets = api(tickets_api.TicketsAPI)
        tickets.page, tickets.pageSize, tickets.orderBy = page, 25, "id desc"
        seen += [ticket.id for ticket in tickets.get_tickets()]
    assert seen == sorted(seen, reverse=True) and len(seen) == TICKETS


checks.call("tickets: pages", pages)
tickets = api(tickets_api.TicketsAPI)
checks.call("ticket by id", lambda: tickets.get_ticket_by_id(ID).summary == title(0))
checks.call("tickets/count", lambda: api(tickets_api.TicketsAPI).get_tickets_count() == TICKETS)


def open_ticket():
    new = ticket.Ticket({"summary": "A desk lamp flickers", "board": found[1].board, "company": found[1].company})
    before = desk.state()
    made = tickets.create_ticket(new)
    assert made.id and made.summary == "A desk lamp flickers"
    assert desk.state()["tickets"] == before["tickets"] + 1


checks.call("POST ticket", open_ticket)


def patch():
    with checks.written(ID, 1):
        made = tickets.update_ticket(ID, "summary", "The tunnel fails")
    assert made.summary == "The tunnel fails" and tickets.get_ticket_by_id(ID).summary == "The tunnel fails"


checks.call("PATCH ticket", patch)


def patch_many():
    with checks.written(ID, 1):
        tickets.update_ticket_multiple_keys(ID, {"summary": "The tunnel fails again", "impact": "Low"})
    changed = tickets.get_ticket_by_id(ID)
    assert (changed.summary, changed.impact) == ("The tunnel fails again", "Low")


checks.call("PATCH ticket: two fields", patch_many)
notes = api(ticket_notes_api.TicketNotesAPI, ID)


def post_note():
    new = ticket_note.TicketNote({
        "text": "Look at the gateway.", "internalAnalysisFlag": True, "detailDescriptionFlag": False,
        "resolutionFlag": False, "processNotifications": False,
    })
    with checks.written(ID, 1, notes=1):
        made = notes.create_ticket_note(new)
    assert made.id and made.internalAnalysisFlag is True


checks.call("notes", lambda: "Seat 0, since this morning." in [note.text for note in notes.get_ticket_notes()])
checks.call("POST note: internal, mails nobody", post_note)
checks.call("notes: the note once, ours", lambda: [note.text for note in notes.get_ticket_notes()].count("Look at the gateway.") == 1)
checks.call("notes/count", lambda: notes.get_ticket_notes_count() == len(list(notes.get_ticket_notes())))
checks.call("boards", lambda: "Network" in [board.name for board in api(boards_api.BoardsAPI).get_boards()])
checks.call("members", lambda: "FirstlineAPI" in [member.identifier for member in api(members_api.MembersAPI).get_members()])


def spend():
    entries = api(time_entries_api.TimeEntriesAPI)
    new = {"chargeToId": ID, "chargeToType": "ServiceTicket", "actualHours": 0.25, "timeStart": "2026-03-02T09:00:00Z",
           "addToInternalAnalysisFlag": True, "notes": "Tried it"}
    entries.create_time_entry(time_entry.TimeEntry(new))
    entries = api(time_entries_api.TimeEntriesAPI)
    entries.conditions = f"chargeToType='ServiceTicket' and chargeToId in ({ID})"
    assert [entry.actualHours for entry in entries.get_time_entries()] == [0.25]


checks.call("time entries", spend)


def callbacks():
    url = "https://hooks.example/cw?id="
    made = api(callbacks_api.CallbacksAPI).create_callback(
        callback.Callback({"url": url, "type": "ticket", "level": "owner", "objectId": 1})
    )
    assert [(row.id, row.url) for row in api(callbacks_api.CallbacksAPI).get_callbacks()] == [(made.id, url)]
    api(callbacks_api.CallbacksAPI).delete_callback_by_id(made.id)
    assert list(api(callbacks_api.CallbacksAPI).get_callbacks()) == []


checks.call("callbacks", callbacks)
checks.close()
