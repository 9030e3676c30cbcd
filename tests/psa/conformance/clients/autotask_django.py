"""django-autotask (MIT): code in production use, by its full synchronization into a database and by its writes."""

import contextlib
import io

from check import AUTOTASK, TICKETS, Checks, title
from django.core.management import call_command
from django.utils import timezone
from djangos import prepare

checks = Checks()
desk = checks.desk

prepare(
    "djautotask",
    AUTOTASK_SERVER_URL=desk.url + "/ATServicesRest/",
    AUTOTASK_CREDENTIALS={
        "username": AUTOTASK["UserName"],
        "password": AUTOTASK["Secret"],
        "integration_code": AUTOTASK["ApiIntegrationCode"],
        "rest_api_version": "1.0",
    },
    DJAUTOTASK_CONF_CALLABLE=lambda: {
        "timeout": 20.0, "batch_size": 25, "max_attempts": 2, "keep_completed_hours": 24, "batch_query_size": 400,
        "queue_sync_filter": [], "mass_delete_protection": False,
    },
)

from djautotask import api, models, sync  # noqa: E402: Django must be set up first

checks.call("zoneInformation", lambda: api.get_zone_info(AUTOTASK["UserName"])["url"].startswith(desk.url))


def everything():
    with contextlib.redirect_stdout(io.StringIO()):
        call_command("atsync", "--full")
    # The client reads contacts after the tickets that name them, so tickets find theirs the second time.
    sync.TicketSynchronizer(full=True).sync()


checks.call("full synchronization", everything)


def in_database():
    assert models.Ticket.objects.count() == TICKETS
    ticket = models.Ticket.objects.get(title=title(0))
    assert ticket.status.label == "New" and ticket.queue and ticket.contact and ticket.account, ticket
    assert ticket.description == "Seat 0, since this morning."
    return ticket


ticket = checks.call("Tickets/query: pages, into the database", in_database)
checks.call("entityInformation/fields: picklists", lambda: {
    "status": models.Status.objects.filter(label="Complete", id=5).count(),
    "queue": models.Queue.objects.filter(label="Service Desk").count(),
    "kind": models.IssueType.objects.filter(label="Network").count(),
    "subkind": models.SubIssueType.objects.filter(label="Wireless").count(),
    "priority": models.Priority.objects.filter(label="Critical").count(),
} == {"status": 1, "queue": 1, "kind": 1, "subkind": 1, "priority": 1})
checks.call("Resources/query", lambda: models.Resource.objects.filter(id=29682885, active=True).exists())
checks.call("Companies/query", lambda: models.Account.objects.filter(name="Lumen Print Works").exists())
checks.call("Contacts/query", lambda: models.Contact.objects.count() == 6)
checks.call("Tickets/query/count", lambda: sync.TicketSynchronizer().count(queue_id=29682833))


def at_fake(id):
    return desk.autotask("GET", f"Tickets/{id}")["item"]


def patch():
    with checks.written(ticket.id, 1):
        sync.TicketSynchronizer().update(ticket, status=models.Status.objects.get(id=8))
    assert at_fake(ticket.id)["status"] == 8 and at_fake(ticket.id)["title"] == title(0)


checks.call("PATCH Tickets", patch)
technician = models.Resource.objects.get(id=29682886)
role = models.Role.objects.get(id=8)


def assign():
    with checks.written(ticket.id, 1):
        sync.TicketSynchronizer(impersonation_resource=technician).update(
            ticket, assigned_resource=technician, assigned_resource_role=role
        )
    now = at_fake(ticket.id)
    assert (now["assignedResourceID"], now["assignedResourceRoleID"]) == (technician.id, role.id)


checks.call("PATCH Tickets: resource and role, as a technician", assign)


def former():
    with checks.written(ticket.id, 0):
        try:
            sync.TicketSynchronizer().update(
                ticket, assigned_resource=models.Resource.objects.get(id=29682890), assigned_resource_role=role
            )
        except api.AutotaskAPIError:
            return
        raise AssertionError("somebody who has left got the ticket")


checks.call("PATCH Tickets: who has left is refused", former)


def post_note():
    kind = models.NoteType.objects.get(id=3)
    with checks.written(ticket.id, 1, notes=1):
        sync.TicketNoteSynchronizer().create(
            ticket, title="Firstline", description="Look at the gateway.", note_type=kind, publish=2
        )
    found = models.TicketNote.objects.filter(ticket=ticket, description="Look at the gateway.")
    assert found.count() == 1


checks.call("POST Tickets/{id}/Notes: internal, mails nobody", post_note)


def reread():
    models.TicketNote.objects.all().delete()
    sync.TicketNoteSynchronizer().sync()
    assert models.TicketNote.objects.filter(ticket=ticket, description="Look at the gateway.", publish=2).count() == 1


checks.call("TicketNotes/query", reread)


def spend():
    before = desk.state()["writes"][str(ticket.id)]
    sync.TimeEntrySynchronizer().create(
        ticket=ticket, resource=technician, role=role, date_worked=timezone.now(), hours_worked=1, summary_notes="Tried it"
    )
    assert desk.state()["writes"][str(ticket.id)] == before + 1
    models.TimeEntry.objects.all().delete()
    sync.TimeEntrySynchronizer().sync()
    assert [float(entry.hours_worked) for entry in models.TimeEntry.objects.filter(ticket=ticket)] == [1.0]


checks.call("TimeEntries/query", spend)
checks.close()
