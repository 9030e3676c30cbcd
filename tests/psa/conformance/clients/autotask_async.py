"""autotask-client (MIT): typed models over asyncio. Its zone must be one of the vendor's own, so it is told the host."""

import asyncio

from autotask.client import AutotaskClient
from autotask.config import AutotaskConfig
from autotask.entities import EntityManager
from autotask.exceptions import AutotaskAuthError, AutotaskNotFoundError
from autotask.models import Ticket
from autotask.query import Q
from check import AUTOTASK, TICKETS, Checks, title

checks = Checks()
desk = checks.desk


async def talk(secret, act):
    config = AutotaskConfig(AUTOTASK["UserName"], secret, AUTOTASK["ApiIntegrationCode"], api_url=desk.url)
    async with AutotaskClient(config) as client:
        return await act(EntityManager(client))


def run(act, secret=AUTOTASK["Secret"]):
    return asyncio.run(talk(secret, act))


def listed():
    found = run(lambda entities: entities.query(Ticket, Q(id__gte=0)))
    assert [ticket.title for ticket in found] == [title(n) for n in range(TICKETS)]
    assert all(ticket.createDate and ticket.ticketNumber for ticket in found)
    return found


tickets = checks.call("Tickets/query", listed)
ID = tickets[0].id
checks.call("Tickets/query: filter", lambda: len(run(lambda entities: entities.query(Ticket, Q(title__contains="printer")))) == 1)
checks.call("Tickets/{id}", lambda: run(lambda entities: entities.get(Ticket, ID)).title == title(0))


def absent():
    try:
        run(lambda entities: entities.get(Ticket, 1))
    except AutotaskNotFoundError:
        return
    raise AssertionError("it was found")


checks.call("Tickets/{id}: absent", absent)


def patch():
    # The client sends every field that it has read, with PATCH.
    ticket = run(lambda entities: entities.get(Ticket, ID))
    ticket.priority = 1
    with checks.written(ID, 1):
        run(lambda entities: entities.update(ticket))
    after = run(lambda entities: entities.get(Ticket, ID))
    assert (after.priority, after.title, after.status) == (1, title(0), ticket.status)


checks.call("PATCH Tickets", patch)


def open_ticket():
    new = Ticket(title="A desk lamp flickers", companyID=174, status=1, priority=3, queueID=29682833)
    made = run(lambda entities: entities.create(new))
    assert made.id and made.title == "A desk lamp flickers" and made.ticketNumber
    assert desk.state()["tickets"] == TICKETS + 1


checks.call("POST Tickets", open_ticket)


def post_note():
    fields = {"title": "Firstline", "description": "Look at the gateway.", "noteType": 3, "publish": 2}
    with checks.written(ID, 1, notes=1):
        run(lambda entities: entities._client.post(f"Tickets/{ID}/Notes", json=fields))
    found = run(lambda entities: entities.query("TicketNotes", Q(ticketID=ID)))
    texts = [note["description"] if isinstance(note, dict) else note.description for note in found]
    assert texts.count("Look at the gateway.") == 1, texts


checks.call("POST Tickets/{id}/Notes: internal, mails nobody", post_note)
checks.call("entityInformation/fields", lambda: run(lambda entities: entities.resolve_picklist(Ticket, "status"))[5] == "Complete")
checks.call("entityInformation", lambda: run(lambda entities: entities.entity_info(Ticket))["info"]["canUpdate"])
checks.call("Resources/query", lambda: run(lambda entities: entities.whoami()).email == AUTOTASK["UserName"])


def wrong():
    try:
        run(lambda entities: entities.get(Ticket, ID), secret="another")
    except AutotaskAuthError:
        return
    raise AssertionError("it was let in")


checks.call("wrong secret is refused", wrong)
checks.close()
