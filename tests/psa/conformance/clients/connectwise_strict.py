"""pyconnectwise (GPL-3, a process at test time only): its models refuse records that lack what the API's description requires."""

import datetime

from check import CONNECTWISE, TICKETS, Checks, Skip, title
from pyconnectwise import ConnectWiseManageAPIClient

checks = Checks()
desk = checks.desk


def connect():
    """The client reads the codebase by itself."""
    host = desk.url.removeprefix("https://")
    client = ConnectWiseManageAPIClient(
        CONNECTWISE["company"], host, CONNECTWISE["client"], CONNECTWISE["public"], CONNECTWISE["private"]
    )
    assert client.codebase == "v2025_1/", client.codebase
    return client


def without_a_list(endpoint):
    """Lists that the API has and this client was made without: it knows single records and counts only."""

    def check():
        if not hasattr(endpoint, "get"):
            raise Skip("this client has no method for the list")
        assert endpoint.get()

    return check


client = checks.call("companyinfo", connect)
service, system = client.service, client.system


def listed():
    found = service.tickets.get(params={"conditions": "closedFlag=False", "pageSize": 1000})
    assert [ticket.summary for ticket in found] == [title(n) for n in range(TICKETS)]
    assert all(ticket.record_type == "ServiceTicket" and ticket.board.id and ticket.status.id for ticket in found)
    return found


tickets = checks.call("tickets: conditions", listed)
ID = tickets[0].id


def pages():
    found = list(service.tickets.paginated(1, 7).all())
    assert sorted(ticket.id for ticket in found) == sorted(ticket.id for ticket in tickets)


checks.call("tickets: pages by Link, to the end", pages)
checks.call("ticket by id", lambda: service.tickets.id(ID).get().summary == title(0))
checks.call("tickets/count", lambda: service.tickets.count.get().count == TICKETS)


def open_ticket():
    before = desk.state()
    made = service.tickets.post({"summary": "A desk lamp flickers", "board": {"id": BOARD}, "company": {"id": tickets[0].company.id}})
    after = desk.state()
    assert made.summary == "A desk lamp flickers" and after["tickets"] == before["tickets"] + 1


def described():
    found = [note for note in service.tickets.id(ID).notes.get() if note.detail_description_flag]
    assert [note.text for note in found if note.text.startswith("Seat")] == ["Seat 0, since this morning."]


checks.call("notes", described)


def conversation():
    found = service.tickets.id(ID).all_notes.get()
    assert any(note.text.startswith("Seat 0") and note.note_type == "TicketNote" for note in found)


checks.call("allNotes", conversation)


def post_note():
    with checks.written(ID, 1, notes=1):
        made = service.tickets.id(ID).notes.post({
            "text": "Look at the gateway.", "internalAnalysisFlag": True, "detailDescriptionFlag": False,
            "resolutionFlag": False, "processNotifications": False,
        })
    assert made.internal_analysis_flag and not made.detail_description_flag
    found = [note for note in service.tickets.id(ID).all_notes.get() if note.text == "Look at the gateway."]
    assert len(found) == 1


checks.call("POST note: internal, mails nobody", post_note)


def patch():
    with checks.written(ID, 1):
        made = service.tickets.id(ID).patch([{"op": "replace", "path": "summary", "value": "The tunnel fails"}])
    assert made.summary == "The tunnel fails" and service.tickets.id(ID).get().summary == "The tunnel fails"


checks.call("PATCH ticket", patch)
boards = checks.call("boards", service.boards.get)
BOARD = boards[0].id
board = service.boards.id(BOARD)
checks.call("POST ticket", open_ticket)


def statuses():
    found = board.statuses.get()
    assert {status.name for status in found} >= {"New", "Closed"} and all(status.board.id == BOARD for status in found)
    assert [status.name for status in found if status.closed_status] == ["Resolved", "Closed"]
    assert found[0].escalation_status == "NotResponded", found[0].escalation_status


checks.call("statuses", statuses)
checks.call("types", lambda: all(kind.name and kind.board.id == BOARD for kind in board.types.get()))
checks.call("subtypes", lambda: all(kind.type_association_ids for kind in board.subtypes.get()))
checks.call("items", lambda: len(board.items.get()) == 1)


def associations():
    found = board.type_sub_type_item_associations.get()
    assert {row.type.id for row in found} == {kind.id for kind in board.types.get()}


checks.call("associations", associations)
checks.call("teams", lambda: all(team.members and team.name for team in board.teams.get()))
checks.call("autoAssignResources", lambda: len(board.auto_assign_resources.get()) == 1)
checks.call("autoTemplates", lambda: board.auto_templates.get() == [])
checks.call("notifications", lambda: board.notifications.get() == [])
checks.call("priorities", lambda: len(service.priorities.get()) == 4)
checks.call("sources", lambda: len(service.sources.get()) == 4)
checks.call("SLAs", without_a_list(service.slas))
checks.call("locations", lambda: len(service.locations.get()) == 1)


def members():
    found = system.members.get()
    assert any(member.identifier == "FirstlineAPI" for member in found)
    assert any(member.inactive_flag for member in found), "one has left"


checks.call("members", members)
checks.call("companies", lambda: len(client.company.companies.get()) >= 3)
checks.call("contacts", lambda: len(client.company.contacts.get()) == 6)
checks.call("info", lambda: system.info.get())


def spend():
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    ask = {"conditions": f"chargeToType='ServiceTicket' and chargeToId in ({ID})"}
    assert client.time.entries.get(params=ask) == []
    client.time.entries.post({
        "chargeToId": ID, "chargeToType": "ServiceTicket", "actualHours": 0.25, "notes": "Tried it",
        "timeStart": (now - datetime.timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "addToInternalAnalysisFlag": True, "emailContactFlag": False,
    })
    found = client.time.entries.get(params=ask)
    assert [entry.actual_hours for entry in found] == [0.25], found
    assert any(note.note_type == "TimeEntryNote" and note.text == "Tried it" for note in service.tickets.id(ID).all_notes.get())


checks.call("time entries", spend)


def audit():
    other = boards[1]
    # Statuses belong to boards, so a move names one of the new board's.
    new = service.boards.id(other.id).statuses.get()[0]
    service.tickets.id(ID).patch([
        {"op": "replace", "path": "board", "value": {"id": other.id}},
        {"op": "replace", "path": "status", "value": {"id": new.id}},
    ])
    found = system.audittrail.get(params={"type": "Ticket", "id": ID, "pageSize": 1000})
    assert any("created" in entry.text for entry in found)
    move = next(entry for entry in found if entry.audit_sub_type == "Service Board")
    assert boards[0].name in move.text and other.name in move.text and move.entered_by == "FirstlineAPI", move
    assert any("tunnel" in entry.text for entry in found)


checks.call("audittrail", audit)


def workflows():
    found = system.workflows.get()
    assert "VPN to Network" in [flow.name for flow in found]
    return found


flows = checks.call("workflows", workflows)
flow = system.workflows.id(flows[0].id)
events = checks.call("workflow events", lambda: [event for event in flow.events.get() if "vpn" in event.event_condition])


def actions():
    found = flow.events.id(events[0].id).actions.get()
    assert found[0].notify_type.name == "Update Ticket" and found[0].board.name == "Network"


checks.call("workflow actions", actions)
checks.call("workflow triggers", lambda: len(flow.triggers.get()) == 1)
checks.call("templates", lambda: [template.name for template in service.templates.get()] == ["New starter"])
checks.call("emailConnectors", lambda: len(system.email_connectors.get()) == 1)


def parsing():
    styles = system.email_connectors.id(1).parsing_styles
    (style,) = styles.get()
    (rule,) = styles.id(style.id).parsing_rules.get()
    assert rule.search_term == "[ALERT]" and rule.service_board.name == "Alerts", rule


checks.call("parsingRules", parsing)
checks.call("calendars", lambda: client.schedule.calendars.get()[0].name == "Office hours")
checks.call("holidays", without_a_list(client.schedule.holiday_lists.id(1).holidays))
checks.call("survey results", lambda: service.surveys.id(1).results.get() == [])


def callbacks():
    url = "https://hooks.example/cw?id="
    made = system.callbacks.post({"url": url, "type": "ticket", "level": "owner", "objectId": 1})
    assert [(row.id, row.url) for row in system.callbacks.get()] == [(made.id, url)]
    system.callbacks.id(made.id).delete()
    assert system.callbacks.get() == []


checks.call("callbacks", callbacks)
checks.close()
