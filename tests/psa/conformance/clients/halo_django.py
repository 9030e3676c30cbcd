"""django-psa (MIT): code in production use, by its API clients and by its synchronizers into a database."""

import contextlib
import datetime

from check import HALO, TICKETS, Checks, title
from djangos import prepare

checks = Checks()
desk = checks.desk

prepare(
    "djpsa.sync",
    "djpsa.halo",
    HALO_AUTHORISATION_SERVER=desk.url + "/auth",
    HALO_RESOURCE_SERVER=desk.url + "/api",
    HALO_CLIENT_ID=HALO["client_id"],
    HALO_CLIENT_SECRET=HALO["client_secret"],
    CALLBACK_SECRET="a-secret-of-hooks",
    PROVIDER="djpsa.halo",
    DJPSA_CONF_CALLABLE=lambda: {
        "timeout": 20.0, "batch_size": 25, "max_attempts": 2, "callback_root": "https://hooks.example/",
        "callback_description": "ours", "keep_closed_days": 30,
    },
)

from djpsa.api import exceptions  # noqa: E402: Django must be set up first
from djpsa.halo import api as halo_api  # noqa: E402
from djpsa.halo import models  # noqa: E402
from djpsa.halo.callbacks import HaloCallbacksHandler  # noqa: E402
from djpsa.halo.records import api, sync  # noqa: E402

# One process needs no lock in Redis around its token.
halo_api.redis_lock = lambda *_: contextlib.nullcontext(True)

tickets, actions = api.TicketAPI(), api.ActionAPI()
checks.call("token", lambda: tickets.check_auth())


def wrong_secret():
    wrong = halo_api.HaloAPICredentials(desk.url + "/auth", HALO["client_id"], "another")
    try:
        halo_api.HaloAPIClient(credentials=wrong).check_auth()
    except exceptions.APIClientError:
        return
    raise AssertionError("it got a token")


checks.call("token: a wrong secret is refused", wrong_secret)


def pages():
    found = [tickets.get_page(page=page, batch_size=25) for page in (1, 2, 3)]
    assert [page["record_count"] for page in found] == [TICKETS] * 3
    rows = [row for page in found for row in page["tickets"]]
    assert sorted(row["summary"] for row in rows) == sorted(title(n) for n in range(TICKETS))
    assert len({row["id"] for row in rows}) == TICKETS
    return {row["summary"]: row["id"] for row in rows}


ids = checks.call("Tickets: pages", pages)
ID = ids[title(0)]
OTHER = ids[title(1)]
checks.call("Tickets: search_id", lambda: [row["id"] for row in tickets.get(ID)["tickets"]] == [ID])


def watermark():
    def since(hours):
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        return tickets.get_page(page=1, params={"lastupdatefromdate": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})

    assert since(-1)["record_count"] == TICKETS and since(1)["record_count"] == 0


checks.call("Tickets: lastupdatefromdate", watermark)

for name in ["SLA", "Status", "Priority", "TicketType", "Team", "Client", "Site", "HaloUser", "Agent", "Outcome",
             "CannedText", "FieldInfo", "ChargeRate", "Ticket"]:
    checks.call(f"sync: {name}", lambda name=name: getattr(sync, f"{name}Synchronizer")(full=True).sync())


def in_database():
    assert models.Ticket.objects.count() == TICKETS
    ticket = models.Ticket.objects.get(id=ID)
    assert ticket.summary == title(0)
    assert ticket.client and ticket.status.name == "New" and ticket.type.name == "Incident" and ticket.user, ticket
    assert models.Priority.objects.filter(name="Critical").count() == 1
    assert models.Team.objects.filter(name="1st Line Support").exists()
    assert models.Agent.objects.filter(name="Marta Quill").exists()
    assert models.Status.objects.filter(name="Closed").exists()
    assert models.Outcome.objects.count() > 3


checks.call("sync: what the database holds", in_database)


def post_note():
    note = {"ticket_id": ID, "outcome_id": 7, "note": "Look at the gateway.", "hiddenfromuser": True, "sendemail": False}
    with checks.written(ID, 1, notes=1):
        made = actions.create(note)
    made = made[0] if isinstance(made, list) else made
    assert made["ticket_id"] == ID and made["hiddenfromuser"] is True, made


checks.call("POST Actions: internal, mails nobody", post_note)


def of_ticket():
    client = api.ActionAPI()
    client.add_condition({"ticket_id": ID})
    found = client.fetch_resource()["actions"]
    ours = [row for row in found if row["note"] == "Look at the gateway."]
    assert len(ours) == 1 and ours[0]["actionby_application_id"], ours


checks.call("Actions: of a ticket", of_ticket)


def actions_in_database():
    sync.ActionSynchronizer(full=True).sync()
    found = models.Action.objects.filter(ticket_id=ID, note="Look at the gateway.")
    assert found.count() == 1 and found[0].hidden_from_user


checks.call("sync: Action", actions_in_database)


def spend():
    made = actions.create({"ticket_id": ID, "outcome_id": 7, "note": "Tried it", "hiddenfromuser": True, "timetaken": 0.5})
    made = made[0] if isinstance(made, list) else made
    assert made["timetaken"] == 0.5, made


checks.call("POST Actions: time", spend)


def change():
    with checks.written(ID, 1):
        tickets.update(ID, {"status_id": 2, "priority_id": 2})
    (row,) = tickets.get(ID)["tickets"]
    assert (row["status_id"], row["priority_id"], row["summary"]) == (2, 2, title(0)), row


checks.call("POST Tickets: change", change)


def change_by_synchronizer():
    ticket = models.TicketTracker.objects.get(id=OTHER)
    with checks.written(OTHER, 1):
        sync.TicketSynchronizer().update(ticket, {"summary": "The siren fails"})
    assert models.Ticket.objects.get(id=OTHER).summary == "The siren fails"


checks.call("POST Tickets: change, by its synchronizer", change_by_synchronizer)


def open_ticket():
    client = models.Ticket.objects.get(id=ID)
    made = tickets.create({"summary": "A desk lamp flickers", "details": "Since noon.", "tickettype_id": 1,
                           "client_id": client.client_id, "user_id": client.user_id})
    made = made[0] if isinstance(made, list) else made
    assert made["summary"] == "A desk lamp flickers" and desk.state()["tickets"] == TICKETS + 1


checks.call("POST Tickets: new", open_ticket)


def hooks():
    handler = HaloCallbacksHandler()
    handler.ensure_registered()
    (hook,) = handler.get_callbacks()
    assert hook["url"] == "https://hooks.example/ticket/" and hook["name"] == "ours Ticket Callback", hook
    assert len(desk.halo("GET", "Notification")) == 2
    handler.ensure_registered()
    assert len(handler.get_callbacks()) == 1, "the second time nothing is missing"
    handler.ensure_deleted()
    assert handler.get_callbacks() == []


checks.call("Webhook, Notification", hooks)


def throttled():
    with checks.written(ID, 0):
        desk.fault(method="GET", path="Tickets", times=1, what={"trouble": "status", "status": 429, "body": "text"})
        try:
            tickets.get(ID)
        except exceptions.APIClientError as error:
            assert "Too many requests" in str(error), error
        else:
            raise AssertionError("it was read")


checks.call("429 as a bare string", throttled)
checks.close()
