//! By what a desk's figures are broken down.

use firstline_ticket::Field;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::TicketFacts;

/// What tickets are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// Board, queue or team.
    Board,
    /// Type within the board: the category in which autonomy is granted.
    Type,
    /// Subtype within the type.
    Subtype,
    /// Priority.
    Priority,
    /// Customer.
    Customer,
    /// Technician who owned it.
    Technician,
    /// How it came in.
    Source,
    /// Part of the day in which it was opened, in the desk's zone.
    HourBand,
}

/// The name of a group of tickets of which the value is not known.
pub const UNKNOWN: &str = "(not set)";

impl Segment {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Board,
        Self::Type,
        Self::Subtype,
        Self::Priority,
        Self::Customer,
        Self::Technician,
        Self::Source,
        Self::HourBand,
    ];

    /// The group that `ticket` belongs to. Types and subtypes are named with what they are part of: "Network > VPN".
    pub fn of(self, ticket: &TicketFacts, zone: &TimeZone) -> String {
        let label = |field| ticket.label(field).unwrap_or(UNKNOWN);
        let joined = |fields: &[Field]| fields.iter().map(|f| label(*f)).collect::<Vec<_>>().join(" > ");
        let or_unknown = |value: &str| match value.trim() {
            "" => UNKNOWN.to_owned(),
            value => value.to_owned(),
        };
        match self {
            Self::Board => joined(&[Field::Board]),
            Self::Type => joined(&[Field::Board, Field::Type]),
            Self::Subtype => joined(&[Field::Board, Field::Type, Field::Subtype]),
            Self::Priority => joined(&[Field::Priority]),
            Self::Technician => joined(&[Field::Technician]),
            Self::Customer => or_unknown(&ticket.customer),
            Self::Source => or_unknown(ticket.source.as_deref().unwrap_or_default()),
            Self::HourBand => {
                let hour = ticket.opened_at.to_zoned(zone.clone()).hour();
                ["00-06", "06-12", "12-18", "18-24"][usize::from(hour.unsigned_abs()) / 6].to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::{at, ticket};

    #[test]
    fn r1_a_ticket_is_in_one_group_of_each_segment() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let facts = TicketFacts { source: Some(" ".into()), ..ticket("1") };
        let found = Segment::ALL.map(|segment| segment.of(&facts, &berlin));
        let type_ = "Service Desk > Mail";
        assert_eq!(
            found.each_ref().map(String::as_str),
            [
                "Service Desk",
                type_,
                "Service Desk > Mail > (not set)",
                "P3",
                "Corvid Ltd",
                UNKNOWN,
                UNKNOWN,
                "06-12"
            ]
        );
        let evening = TicketFacts { opened_at: at("2026-11-02T22:30:00Z"), ..ticket("2") };
        assert_eq!(Segment::HourBand.of(&evening, &berlin), "18-24");
        assert_eq!(Segment::HourBand.of(&evening, &TimeZone::get("Asia/Tokyo").unwrap()), "06-12");
    }
}
