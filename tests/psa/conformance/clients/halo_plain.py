"""halopsa (AGPL-3, a process at test time only): a plain client, whose host is always below halopsa.com."""

import os
import socket
import urllib.parse

import requests
from check import HALO, TICKETS, Checks, title
from HaloPSA import Halo

checks = Checks()
desk = checks.desk
PORT = urllib.parse.urlsplit(desk.url).port
HOST = "desk.halopsa.com"

# The client's host leads here; the certificate is one for localhost, so that this is the name that is checked.
plain = socket.getaddrinfo
socket.getaddrinfo = lambda host, port, *rest, **more: (
    plain("127.0.0.1", PORT, *rest, **more) if host == HOST else plain(host, port, *rest, **more)
)


class Local(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *place, **more):
        super().init_poolmanager(*place, **more, assert_hostname="localhost", server_hostname="localhost")


class Session(requests.Session):
    def __init__(self):
        super().__init__()
        self.mount(f"https://{HOST}", Local())
        self.verify = os.environ["REQUESTS_CA_BUNDLE"]


requests.Session = Session


def connect(secret=HALO["client_secret"]):
    return Halo("desk", HALO["client_id"], secret)


halo = checks.call("token", connect)


def wrong_secret():
    try:
        connect("another")
    except ValueError as error:
        assert "Make sure your client ID and secret are correct" in str(error), error
        return
    raise AssertionError("it got a token")


checks.call("token: a wrong secret is refused", wrong_secret)


def pages():
    rows = []
    for page in (1, 2, 3):
        found = halo.Tickets.search(pageinate=True, page_size=25, page_no=page)
        assert found["record_count"] == TICKETS
        rows += found["tickets"]
    assert sorted(row["summary"] for row in rows) == sorted(title(n) for n in range(TICKETS))
    return {row["summary"]: row for row in rows}


rows = checks.call("Tickets: pages", pages)
ROW = rows[title(0)]
ID = ROW["id"]
checks.call("Tickets: count, no pages", lambda: len(halo.Tickets.search(count=10)["tickets"]) == 10)
checks.call("Tickets: open_only", lambda: halo.Tickets.search(open_only=True, count=100)["record_count"] == TICKETS)
checks.call("Tickets/{id}", lambda: halo.Tickets.get(ID, includedetails=True)["details"] == "Seat 0, since this morning.")


def absent():
    try:
        halo.Tickets.get(999_999)
    except Exception as error:  # noqa: BLE001: the client has no type of its own
        assert "404" in str(error), error
        return
    raise AssertionError("it was found")


checks.call("Tickets/{id}: absent", absent)


def change():
    with checks.written(ID, 1):
        made = halo.Tickets.update(id=ID, status_id=2)
    made = made[0] if isinstance(made, list) else made
    assert made["id"] == ID and made["status_id"] == 2, made
    assert halo.Tickets.get(ID)["summary"] == title(0)


checks.call("POST Tickets: change", change)


def open_ticket():
    made = halo.Tickets.update(summary="A desk lamp flickers", details="Since noon.", tickettype_id=1,
                               client_id=ROW["client_id"], user_id=ROW["user_id"])
    made = made[0] if isinstance(made, list) else made
    assert made["id"] and made["summary"] == "A desk lamp flickers" and desk.state()["tickets"] == TICKETS + 1


checks.call("POST Tickets: new", open_ticket)


def post_note():
    with checks.written(ID, 1, notes=1):
        made = halo.Actions.update(ticket_id=ID, outcome_id=7, note="Look at the gateway.", hiddenfromuser=True, sendemail=False)
    made = made[0] if isinstance(made, list) else made
    assert made["ticket_id"] == ID and made["hiddenfromuser"] is True, made
    return made["id"]


action = checks.call("POST Actions: internal, mails nobody", post_note)


def of_ticket():
    found = halo.Actions.search(ticket_id=ID)["actions"]
    assert [row["note"] for row in found].count("Look at the gateway.") == 1


checks.call("Actions: of a ticket", of_ticket)
checks.call("Actions/{id}", lambda: halo.Actions.get(action, ID)["note"] == "Look at the gateway.")


def private_left_out():
    found = halo.Actions.search(ticket_id=ID, excludeprivate=True)["actions"]
    assert "Look at the gateway." not in [row["note"] for row in found]


checks.call("Actions: excludeprivate", private_left_out)
checks.call("Status", lambda: {"New", "Closed"} <= {row["name"] for row in halo.Status.search()})
checks.call("Team", lambda: "1st Line Support" in [row["name"] for row in halo.Teams.search()])
checks.call("TicketType", lambda: "Incident" in [row["name"] for row in halo.TicketTypes.search()])
checks.call("Client", lambda: "Hollowell Freight" in [row["name"] for row in halo.Clients.search()["clients"]])
checks.call("Users", lambda: halo.Users.search()["record_count"] >= 6)
checks.call("Agent", lambda: halo.Agents.search())
checks.close()
