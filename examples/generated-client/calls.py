"""Triage, review and key figures by the generated client. Every call and every value here is checked against the schemas."""
import os
import uuid

from httpx import Timeout

from client import AuthenticatedClient
from client.api.people import get_kpis, list_reviews, review
from client.api.tickets import get_decision, triage
from client.models import (
    Decision, DraftState, KpiReport, Problem, ReviewAction, ReviewBody, Reviewed, ReviewQueue, Ticket, TriageRequest, TriageResponse,
)

SAMPLES = [
    ("Printer offline", "Since this morning nobody on the second floor can print. The queue shows every job as waiting."),
    ("VPN drops", "The VPN disconnects every few minutes since the update. I work from home and need it today."),
    ("New colleague", "Anna starts on Monday and needs an account, a laptop and access to the shared mailbox."),
]


def tickets() -> list[Ticket]:
    run = uuid.uuid4().hex[:8]
    made = enumerate(SAMPLES)
    return [Ticket(id=f"{run}-{n}", subject=subject, body=body, customer="Contoso", contact="Eva Stone") for n, (subject, body) in made]


def main() -> None:
    client = AuthenticatedClient(base_url=os.environ["FIRSTLINE_URL"], token=os.environ["FIRSTLINE_KEY"], timeout=Timeout(60))

    decided = triage.sync(client=client, body=TriageRequest(tickets=tickets(), drafts=True))
    assert isinstance(decided, TriageResponse), decided
    for result in decided.results:
        assert isinstance(result, Decision), result
        labels = {name: f"{field.label} ({field.confidence:.2f})" for name, field in result.fields.additional_properties.items()}
        print(f"{result.ticket_id}: {result.route.value}, draft {result.draft_state.value}; {labels}")

    first = decided.results[0]
    assert isinstance(first, Decision)
    again = get_decision.sync(first.decision_id, client=client)
    assert isinstance(again, Decision) and again.fields["board"].label == first.fields["board"].label, again

    queue = list_reviews.sync(client=client, state=DraftState.PENDING, limit=10)
    assert isinstance(queue, ReviewQueue), queue
    print(f"{len(queue.items)} drafts wait for a person")
    for item in queue.items:
        body = ReviewBody(action=ReviewAction.APPROVE, reviewer="generated-client")
        reviewed = review.sync(item.decision_id, client=client, body=body, if_match=str(item.version))
        assert isinstance(reviewed, Reviewed) and reviewed.draft_state is DraftState.APPROVED, reviewed
    if queue.items:
        stale = review.sync(queue.items[0].decision_id, client=client, body=ReviewBody(action=ReviewAction.REJECT), if_match="0")
        assert isinstance(stale, Problem) and stale.status == 409, stale

    report = get_kpis.sync(client=client)
    assert isinstance(report, KpiReport), report
    total = report.total
    assert total.tickets >= len(SAMPLES) and total.drafts.verbatim.count >= len(queue.items), total
    print(f"{total.tickets} tickets, {total.drafts.made} drafts, {total.drafts.verbatim.count} sent as they were; {len(report.weeks)} weeks")


if __name__ == "__main__":
    main()
