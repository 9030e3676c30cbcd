//! Errors that customers saw, of what Firstline did where they could see it (R43), and credits for them.
//!
//! An incident belongs to the time in which it happened, whenever it was entered. Of suspected ones that nobody decides on, those that
//! are older than three business days count: neglect hides none.

use jiff::Timestamp;
use serde::Serialize;

use crate::kpis::Acted;
use crate::{Incident, IncidentState, OpenHours, Share};

/// An incident as it is on record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reported {
    /// When it happened, how it stands and since when.
    pub incident: Incident,
    /// When it was put on record.
    pub recorded_at: Timestamp,
    /// What the credit for it comes to, in the desk's own currency.
    pub credit_amount: Option<f64>,
    /// Whether the action that was wrong had been approved by nobody; `None` where no action is known.
    pub alone: Option<bool>,
}

impl Reported {
    /// As it was known at `moment`: `None` before it was put on record. What was decided later was only suspected.
    pub fn as_of(&self, moment: Timestamp) -> Option<Incident> {
        let decided = self.incident.state != IncidentState::Suspected && self.incident.since <= moment;
        let state = if decided { self.incident.state } else { IncidentState::Suspected };
        (self.recorded_at <= moment).then_some(Incident { state, ..self.incident })
    }
}

/// Errors out of the actions that customers could see. There may be more errors than actions: what was done in one week shows in the
/// next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ErrorFigures {
    /// Of all actions; errors of no known action among them.
    pub all: Share,
    /// Of those that a person had approved.
    pub approved: Share,
    /// Of those that nobody had.
    pub alone: Share,
    /// Incidents that a person has yet to decide about; they count as errors once they are older than three business days.
    pub undecided: u64,
    /// Confirmed incidents that the customer gets a credit for.
    pub sla_credits: u64,
    /// What these come to, as far as anybody has said, in the desk's own currency.
    pub sla_credit_amount: Option<f64>,
}

/// The figures of a time in which customers could see what was `acted`, and in which `incidents` happened, as known at `moment`.
pub fn error_figures<'a>(
    acted: Acted,
    incidents: impl IntoIterator<Item = &'a Reported>,
    hours: &OpenHours,
    moment: Timestamp,
) -> ErrorFigures {
    let (mut found, mut errors) = (ErrorFigures::default(), [0; 3]);
    for reported in incidents {
        let Some(incident) = reported.as_of(moment) else { continue };
        if incident.counts(hours, moment) {
            let place = reported.alone.map_or(2, usize::from);
            errors[place] += 1;
        }
        found.undecided += u64::from(incident.state == IncidentState::Suspected);
        if incident.sla_credit && incident.state == IncidentState::Confirmed {
            found.sla_credits += 1;
            if let Some(amount) = reported.credit_amount {
                found.sla_credit_amount = Some(found.sla_credit_amount.unwrap_or(0.0) + amount);
            }
        }
    }
    found.all = Share::new(errors.iter().sum(), acted.approved + acted.alone);
    found.approved = Share::new(errors[0], acted.approved);
    found.alone = Share::new(errors[1], acted.alone);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::at;
    use crate::hours::tests::desk as open_hours;

    fn reported(happened: &str, recorded: &str) -> Reported {
        let incident = Incident {
            at: at(happened),
            state: IncidentState::Suspected,
            since: at(recorded),
            sla_credit: false,
        };
        Reported { incident, recorded_at: at(recorded), credit_amount: None, alone: None }
    }

    fn decided(state: IncidentState, since: &str, of: Reported) -> Reported {
        Reported { incident: Incident { state, since: at(since), ..of.incident }, ..of }
    }

    fn figures(incidents: &[Reported], moment: &str) -> ErrorFigures {
        error_figures(Acted { approved: 60, alone: 40 }, incidents, &open_hours(), at(moment))
    }

    #[test]
    fn r43_errors_are_told_apart_by_who_approved_and_overdue_ones_count() {
        // Wednesday; three business days later is Saturday, which is open.
        let open = reported("2026-11-18T09:00:00Z", "2026-11-18T10:00:00Z");
        let confirmed =
            |alone| Reported { alone, ..decided(IncidentState::Confirmed, "2026-11-19T10:00:00Z", open) };
        let dismissed = decided(IncidentState::Dismissed, "2026-11-19T10:00:00Z", open);
        let all = [
            open,
            confirmed(Some(true)),
            confirmed(Some(false)),
            confirmed(Some(false)),
            confirmed(None),
            dismissed,
        ];
        let found = figures(&all, "2026-11-20T00:00:00Z");
        assert_eq!(
            (found.all, found.approved, found.alone),
            (Share::new(4, 100), Share::new(2, 60), Share::new(1, 40))
        );
        assert_eq!((found.undecided, found.sla_credits, found.sla_credit_amount), (1, 0, None));
        assert_eq!(figures(&all, "2026-12-20T00:00:00Z").all.count, 5);
    }

    #[test]
    fn r43_what_was_entered_or_decided_later_was_not_known_before() {
        let late = decided(
            IncidentState::Confirmed,
            "2026-12-30T09:00:00Z",
            reported("2026-11-18T09:00:00Z", "2026-12-28T09:00:00Z"),
        );
        let dismissed = Reported {
            incident: Incident { state: IncidentState::Dismissed, ..late.incident },
            recorded_at: at("2026-11-18T10:00:00Z"),
            ..late
        };
        let counts = |moment| [late, dismissed].map(|one| figures(&[one], moment).all.count);
        // The first is not there yet; the second nobody has decided on.
        assert_eq!(counts("2026-11-18T12:00:00Z"), [0, 0]);
        assert_eq!(counts("2026-12-01T00:00:00Z"), [0, 1]);
        assert_eq!(counts("2026-12-30T09:00:00Z"), [1, 0]);
    }

    #[test]
    fn r73_credits_count_once_they_are_confirmed_with_what_they_come_to() {
        let credit = |amount| {
            let one = reported("2026-11-18T09:00:00Z", "2026-11-18T10:00:00Z");
            let incident = Incident { sla_credit: true, ..one.incident };
            Reported { incident, credit_amount: amount, ..one }
        };
        let confirmed = |amount| decided(IncidentState::Confirmed, "2026-11-19T10:00:00Z", credit(amount));
        let found = figures(
            &[credit(Some(99.0)), confirmed(Some(120.5)), confirmed(None), confirmed(Some(30.0))],
            "2026-11-20T00:00:00Z",
        );
        assert_eq!((found.sla_credits, found.sla_credit_amount, found.undecided), (3, Some(150.5), 1));
        assert_eq!(figures(&[confirmed(None)], "2026-11-20T00:00:00Z").sla_credit_amount, None);
    }

    #[test]
    fn r43_more_errors_than_actions_are_no_share_above_what_can_be() {
        let one = decided(
            IncidentState::Confirmed,
            "2026-11-19T10:00:00Z",
            reported("2026-11-18T09:00:00Z", "2026-11-18T10:00:00Z"),
        );
        let none = error_figures(Acted::default(), [&one], &open_hours(), at("2026-11-20T00:00:00Z"));
        assert_eq!((none.all.count, none.all.of, none.all.share), (1, 0, None));
    }
}
