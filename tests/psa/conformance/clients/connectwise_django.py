"""django-connectwise (MIT): code in production use, by its API clients and by its synchronizers into a database."""

import datetime
import socket

from check import CONNECTWISE, TICKETS, Checks, title
from djangos import prepare

checks = Checks()
desk = checks.desk
PORT = desk.url.rpartition(":")[2]

prepare(
    "djconnectwise",
    CONNECTWISE_SERVER_URL=desk.url,
    CONNECTWISE_CREDENTIALS={
        "company_id": CONNECTWISE["company"],
        "api_public_key": CONNECTWISE["public"],
        "api_private_key": CONNECTWISE["private"],
        "api_codebase": "v4_6_release/",
    },
    CONNECTWISE_CLIENTID=CONNECTWISE["client"],
    DJCONNECTWISE_CONF_CALLABLE=lambda: {
        "timeout": 20, "batch_size": 50, "max_attempts": 2, "callback_host": "https://hooks.example",
        "keep_closed_ticket_days": 90, "keep_closed_status_board_ids": "", "response_version": "2020.4",
        "send_naive_datetimes": True,
    },
)

from djconnectwise import api, models, sync  # noqa: E402: Django must be set up first

service = api.ServiceAPIClient()
system = api.SystemAPIClient()
times = api.TimeAPIClient()
companies = api.CompanyAPIClient()
YESTERDAY = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")


def listed():
    found = service.get_tickets(conditions=["closedFlag=False", f"lastUpdated > [{YESTERDAY}]"], page=1, page_size=1000)
    assert [ticket["summary"] for ticket in found] == [title(n) for n in range(TICKETS)]
    return found


tickets = checks.call("tickets: conditions", listed)
ID = tickets[0]["id"]


def pages():
    found = [service.get_tickets(page=page, page_size=25) for page in (1, 2, 3, 4)]
    assert [len(page) for page in found] == [25, 25, TICKETS - 50, 0]
    assert len({ticket["id"] for page in found for ticket in page}) == TICKETS


checks.call("tickets: pages", pages)


def nothing_changed():
    tomorrow = (datetime.datetime.now() + datetime.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")
    assert service.get_tickets(conditions=[f"lastUpdated > [{tomorrow}]"]) == []


checks.call("tickets: watermark ahead", nothing_changed)
checks.call("ticket by id", lambda: service.get_ticket(ID)["summary"] == title(0))
# The client reads `count` out of the answer itself.
checks.call("tickets/count", lambda: service.tickets_count() == TICKETS)


def absent():
    try:
        service.get_ticket(999_999)
    except api.ConnectWiseRecordNotFoundError as error:
        assert "999999" in str(error) or "not found" in str(error).lower(), error
    else:
        raise AssertionError("it was found")


checks.call("ticket by id: absent", absent)


def described():
    notes = service.get_notes(ID)
    first = [note for note in notes if note["detailDescriptionFlag"] and note["text"].startswith("Seat 0")]
    assert len(first) == 1 and first[0]["ticketId"] == ID


checks.call("notes", described)


def post_internal():
    with checks.written(ID, 1, notes=1):
        note = service.post_note({"id": ID}, text="Look at the gateway.", description_flag=False, analysis_flag=True,
                                 resolution_flag=False, process_notifications=False)
    assert note["internalAnalysisFlag"] and not note["detailDescriptionFlag"]
    return note


def read_back():
    found = [note for note in service.get_notes(ID) if note["text"] == "Look at the gateway."]
    assert len(found) == 1 and found[0]["createdBy"] == "FirstlineAPI", found


checks.call("POST note: internal, mails nobody", post_internal)
checks.call("notes: the note once, ours", read_back)


def refused_note():
    with checks.written(ID, 0):
        try:
            service.post_note({"id": ID}, text="Nowhere", description_flag=False, analysis_flag=False,
                              resolution_flag=False)
        except api.ConnectWiseAPIClientError:
            return
        raise AssertionError("a note without a place was taken")


checks.call("POST note: no flag is refused", refused_note)


class Named:
    """What the client takes for a ticket."""

    id = ID


def patch():
    with checks.written(ID, 1):
        answer = service.update_ticket(Named, {"summary": "The tunnel fails"})
    assert answer["id"] == ID and answer["summary"] == "The tunnel fails"
    assert service.get_ticket(ID)["summary"] == "The tunnel fails"


checks.call("PATCH ticket", patch)
boards = checks.call("boards", service.get_boards)
BOARD = boards[0]["id"]


def of_board(read, **expected):
    rows = read(BOARD)
    assert rows and all(row["board"]["id"] == BOARD for row in rows), rows
    for key, kind in expected.items():
        assert all(isinstance(row[key], kind) for row in rows), (key, rows)


checks.call("statuses", lambda: of_board(service.get_statuses, closedStatus=bool, escalationStatus=str))
checks.call("types", lambda: of_board(service.get_types, inactiveFlag=bool))
checks.call("subtypes", lambda: of_board(service.get_subtypes, typeAssociationIds=list))
checks.call("items", lambda: of_board(service.get_items, name=str))
checks.call("associations", lambda: of_board(service.get_type_subtype_item_associations, type=dict, subType=dict))
checks.call("teams", lambda: all(team["members"] for team in service.get_teams(BOARD)))
checks.call("priorities", lambda: [p["sortOrder"] for p in service.get_priorities()] == [1, 2, 3, 4])
checks.call("sources", lambda: "Phone" in [source["name"] for source in service.get_sources()])
checks.call("members", lambda: "FirstlineAPI" in [member["identifier"] for member in system.get_members()])
checks.call("members/count", lambda: system.get_member_count()["count"] == len(system.get_members()))
checks.call("info", lambda: system.get_connectwise_version().startswith("v2025"))
checks.call("companies", lambda: len(companies.get_companies()) >= 3)
checks.call("contacts", lambda: len(companies.get_contacts()) == 6)


def spend():
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    target = {"id": ID, "type": "ServiceTicket"}
    before = desk.state()["writes"].get(str(ID), 0)
    entry = times.post_time_entry(target, time_start=now - datetime.timedelta(minutes=30), time_end=now,
                                  analysis_flag=True, description_flag=False, resolution_flag=False, notes="Tried it",
                                  resource_flag=False, contact_flag=False, cc_flag=False, actual_hours=0.5)
    assert desk.state()["writes"][str(ID)] == before + 1
    found = times.get_time_entries(conditions=["chargeToType='ServiceTicket'", f"chargeToId in ({ID})"])
    assert [(row["id"], row["actualHours"]) for row in found] == [(entry["id"], 0.5)], found


checks.call("time entries", spend)


def callbacks():
    url = "https://hooks.example/cw?id="
    made = system.create_callback({"type": "ticket", "description": "ours", "url": url, "objectId": 1, "level": "owner"})
    found = system.get_callbacks(conditions=['url contains "hooks.example"'])
    assert [(row["id"], row["url"]) for row in found] == [(made["id"], url)], found
    system.delete_callback(made["id"])
    assert system.get_callbacks(conditions=['url contains "hooks.example"']) == []


checks.call("callbacks", callbacks)


def page_of_proxy(status):
    desk.fault(method="GET", path="service/tickets", times=1, what={"trouble": "status", "status": status, "body": "html"})
    return service.get_tickets()


def throttled():
    try:
        page_of_proxy(429)
    except api.ConnectWiseAPIClientError as error:
        assert "429" in str(error), error
    else:
        raise AssertionError("it was read")


checks.call("429 as a page", throttled)
checks.call("503 as a page: tried again", lambda: len(page_of_proxy(503)) == TICKETS)

# The client reads companyinfo only of the vendor's own hosts, so these names lead here for the rest.
plain = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: plain("127.0.0.1" if "myconnectwise" in str(host) else host, *rest, **more)
HOST = f"http://na.myconnectwise.net:{PORT}"


def company():
    info = api.CompanyInfoManager().get_company_info(HOST, CONNECTWISE["company"])
    assert info["Codebase"] == "v2025_1/" and info["IsCloud"] is True, info


def unknown():
    try:
        api.CompanyInfoManager().get_company_info(HOST, "nobody")
    except api.ConnectWiseAPIError as error:
        assert "Null response" in str(error), error
    else:
        raise AssertionError("it is known")


def moved():
    cloud = api.ServiceAPIClient(server_url=HOST)
    assert cloud.get_ticket(ID)["id"] == ID
    desk.set(codebase="v2025_2", generic_codebase=False)
    try:
        assert cloud.get_ticket(ID)["id"] == ID
        assert cloud.build_api_base_url()[0].endswith("/v2025_2/apis/3.0/service/")
    finally:
        desk.set(codebase="v2025_1", generic_codebase=True)


checks.call("companyinfo", company)
checks.call("companyinfo: null", unknown)
checks.call("codebase moves", moved)

# Its synchronizers send times with an offset in one place; the fake refuses these where it isn't told otherwise.
desk.set(offset_times=True)
ORDER = [
    "Board", "BoardStatus", "Priority", "Source", "Location", "Team", "Type", "SubType", "Item",
    "TypeSubTypeItemAssociation", "Member", "Company", "Contact", "HolidayList", "Calendar", "Holiday", "ServiceTicket",
    "ServiceNote", "TimeEntry",
]


def synchronized(name):
    getattr(sync, f"{name}Synchronizer")().sync()


for name in ORDER:
    checks.call(f"sync: {name}", lambda name=name: synchronized(name))


def in_database():
    assert models.Ticket.objects.count() == TICKETS
    ticket = models.Ticket.objects.get(id=ID)
    assert ticket.summary == "The tunnel fails" and ticket.board and ticket.status and ticket.company and ticket.contact
    assert models.ServiceNote.objects.filter(ticket=ticket, text="Look at the gateway.").count() == 1
    assert float(models.TimeEntry.objects.get(charge_to_id=ticket).actual_hours) == 0.5
    assert models.BoardStatus.objects.filter(board=ticket.board, closed_status=True).exists()


checks.call("sync: what the database holds", in_database)
checks.close()
