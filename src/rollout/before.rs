//! What the desk's tickets took before it began, kind by kind: kept with the baseline, so that it can be told later what was gained.
//!
//! Sums and ranks alone: no ticket, customer or technician stands in it. A kind is a board, a type and a priority.

use std::collections::BTreeMap;

use firstline_stats::{Moments, quantile};
use firstline_ticket::Field;
use serde::{Deserialize, Serialize};

use crate::figures::Measured;
use crate::response::{Basis, Response, first_response, first_response_by, recurring_texts};
use crate::seniors::{Seniors, seniors};
use crate::{Aliases, Desk, HandleBasis, TicketFacts};

/// A board, a type and a priority; `None` where it is blank.
pub(crate) type Kind = [Option<String>; 3];

/// What tickets of one kind took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The board.
    pub board: Option<String>,
    /// The type.
    pub r#type: Option<String>,
    /// The priority.
    pub priority: Option<String>,
    /// Number, mean and deviation, in seconds.
    #[serde(flatten)]
    pub moments: Moments,
    /// Values at equal ranks, ascending: all of them where there are few.
    pub ranks: Vec<f64>,
}

/// Values that a kind keeps.
const RANKS: usize = 32;

/// Times by the clock and in open hours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// By the clock.
    pub wall: Vec<Cell>,
    /// In open hours.
    pub open_hours: Vec<Cell>,
}

/// What people's tickets took before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// Tickets that it is of.
    pub tickets: u64,
    /// Resolved tickets on which a time was logged.
    pub handled: u64,
    /// Seconds of work on resolved tickets, by how they are known.
    pub handle: BTreeMap<HandleBasis, Vec<Cell>>,
    /// Share of the times logged that are whole quarters of an hour.
    pub quarter_hours: Option<f64>,
    /// Tickets that were answered.
    pub answered: u64,
    /// Seconds to the first response, by how they are known.
    pub first_response: BTreeMap<Basis, Waits>,
    /// Seconds to the last resolution.
    pub resolution: Vec<Cell>,
    /// What technicians above first level worked on; `None` where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seniors: Option<Seniors>,
}

/// Seconds in a quarter of an hour.
const QUARTER: f64 = 900.0;

/// The share of `seconds` that are whole quarters of an hour; `None` of none.
pub(crate) fn quarter_hours(seconds: &[f64]) -> Option<f64> {
    let whole = seconds.iter().filter(|one| **one > 0.0 && **one % QUARTER == 0.0).count();
    (!seconds.is_empty()).then(|| whole as f64 / seconds.len() as f64)
}

/// The kind of `ticket`, with names as they are now.
pub(crate) fn kind(ticket: &TicketFacts, aliases: &Aliases) -> Kind {
    [Field::Board, Field::Type, Field::Priority].map(|field| {
        let label = ticket.closing_label(field)?.to_owned();
        Some(aliases.get(&(field, label.clone())).cloned().unwrap_or(label))
    })
}

/// Values by kind.
pub(crate) type ByKind = BTreeMap<Kind, Vec<f64>>;

fn cells(values: ByKind) -> Vec<Cell> {
    let cell = |([board, r#type, priority], mut values): (Kind, Vec<f64>)| {
        values.sort_unstable_by(f64::total_cmp);
        let whole = |value: f64| (value * 10.0).round() / 10.0;
        let Moments { n, mean, deviation } = Moments::of(&values)?;
        let moments = Moments { n, mean: whole(mean), deviation: whole(deviation) };
        Some(Cell {
            board,
            r#type,
            priority,
            moments,
            ranks: ranks(&values).into_iter().map(whole).collect(),
        })
    };
    values.into_iter().filter_map(cell).collect()
}

/// At most [`RANKS`] of `ascending`, each the middle of an equal part of it.
fn ranks(ascending: &[f64]) -> Vec<f64> {
    let n = ascending.len().min(RANKS);
    (0..n).filter_map(|i| quantile(ascending, (i as f64 + 0.5) / n as f64)).collect()
}

impl Before {
    /// Of what was measured of people's tickets.
    pub(crate) fn of(measured: &[Measured<'_>], desk: &Desk<'_>) -> Self {
        let tickets: Vec<&TicketFacts> = measured.iter().map(|one| one.ticket).collect();
        let kinds: Vec<Kind> = tickets.iter().map(|ticket| kind(ticket, &Aliases::new())).collect();
        let by_kind = |value: &dyn Fn(usize) -> Option<f64>| {
            let mut values = ByKind::new();
            for (i, kind) in kinds.iter().enumerate() {
                if let Some(value) = value(i) {
                    values.entry(kind.clone()).or_default().push(value);
                }
            }
            cells(values)
        };
        let texts = recurring_texts(&tickets);
        let done = |i: usize| Some(tickets[i]).filter(|ticket| ticket.resolved_at.is_some());
        let logged: Vec<f64> = (0..tickets.len()).filter_map(|i| done(i)?.handle_time()).collect();
        let handle = HandleBasis::ALL.map(|basis| (basis, by_kind(&|i| done(i)?.handle_time_by(basis))));
        let wait = |i: usize, basis| match first_response_by(tickets[i], basis, &texts) {
            Response::Answered { at, .. } => Some((tickets[i].opened_at, at)),
            _ => None,
        };
        let waits = Basis::ALL.map(|basis| {
            let wall = by_kind(&|i| wait(i, basis).map(|(from, to)| to.duration_since(from).as_secs_f64()));
            let open_hours = by_kind(&|i| wait(i, basis).map(|(from, to)| desk.hours.seconds(from, to)));
            (basis, Waits { wall, open_hours })
        });
        let answered =
            |ticket: &&&TicketFacts| matches!(first_response(ticket, &texts), Response::Answered { .. });
        Self {
            tickets: tickets.len() as u64,
            handled: logged.len() as u64,
            handle: handle.into_iter().filter(|(_, cells)| !cells.is_empty()).collect(),
            quarter_hours: quarter_hours(&logged),
            answered: tickets.iter().filter(answered).count() as u64,
            first_response: waits.into_iter().filter(|(_, of)| !of.wall.is_empty()).collect(),
            resolution: by_kind(&|i| measured[i].resolved_after()),
            seniors: seniors(&tickets, desk),
        }
    }

    /// The moments of each kind, of some cells, with names as they are now. Kinds that have come to one name are one.
    pub(crate) fn kinds<'a>(cells: &'a [Cell], aliases: &Aliases) -> BTreeMap<Kind, Past<'a>> {
        let mut kinds: BTreeMap<Kind, Past<'a>> = BTreeMap::new();
        for cell in cells {
            let now = |field, label: &Option<String>| {
                let label = label.clone()?;
                Some(aliases.get(&(field, label.clone())).cloned().unwrap_or(label))
            };
            let kind = [
                now(Field::Board, &cell.board),
                now(Field::Type, &cell.r#type),
                now(Field::Priority, &cell.priority),
            ];
            kinds.entry(kind).or_default().add(cell);
        }
        kinds
    }
}

/// What is kept of a kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past<'a> {
    pub(crate) moments: Moments,
    /// Values at ranks, each list with the number that it stands for.
    pub(crate) ranks: Vec<(&'a [f64], u64)>,
}

impl<'a> Past<'a> {
    fn add(&mut self, cell: &'a Cell) {
        self.moments = pooled(self.moments, cell.moments);
        self.ranks.push((&cell.ranks, cell.moments.n));
    }
}

/// The moments of two samples together.
fn pooled(a: Moments, b: Moments) -> Moments {
    if a.n == 0 {
        return b;
    }
    let (m, n) = (a.n as f64, b.n as f64);
    let mean = (m * a.mean + n * b.mean) / (m + n);
    let squares =
        |of: Moments, n: f64| (n - 1.0).max(0.0) * of.deviation.powi(2) + n * (of.mean - mean).powi(2);
    let deviation = ((squares(a, m) + squares(b, n)) / (m + n - 1.0)).sqrt();
    Moments { n: a.n + b.n, mean, deviation }
}

/// Tickets of each kind since.
pub(crate) type Weights = BTreeMap<Kind, usize>;

/// The quantiles of before at `shares`, the least first, as if its kinds were as frequent as `weights` say. `None` of nothing.
pub(crate) fn quantiles_of_before<const N: usize>(
    past: &BTreeMap<Kind, Past<'_>>,
    weights: &Weights,
    shares: [f64; N],
) -> [Option<f64>; N] {
    let mut values: Vec<(f64, f64)> = Vec::new();
    for (kind, weight) in weights {
        let Some(of) = past.get(kind) else { continue };
        for (ranks, n) in &of.ranks {
            let each = *weight as f64 * *n as f64 / of.moments.n as f64 / ranks.len() as f64;
            values.extend(ranks.iter().map(|value| (*value, each)));
        }
    }
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = values.iter().map(|(_, weight)| weight).sum();
    shares.map(|share| {
        let mut sum = 0.0;
        // Sums of fractions may come out a hair below.
        let mut reached = values.iter().filter_map(|(value, weight)| {
            sum += weight;
            (sum >= share * all - 1e-9).then_some(*value)
        });
        reached.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tiers;
    use crate::facts::tests::{event, ticket};
    use crate::figures::measure;
    use crate::hours::tests::desk as open_hours;
    use firstline_ticket::{ActorKind, Happening};

    fn one(kind: &str, minutes: i64) -> TicketFacts {
        let mut facts = ticket(&format!("{kind}{minutes}"));
        facts.labels.insert(Field::Type, kind.into());
        facts.resolved_at = Some(facts.opened_at + jiff::SignedDuration::from_mins(10 * minutes));
        let message = Happening::Message { visible: true, automatic: false, text_key: None };
        let entry = Happening::TimeEntry { seconds: 60.0 * minutes as f64, visible: false };
        facts.events = vec![
            event(minutes, ActorKind::Technician, message),
            event(minutes, ActorKind::Technician, entry),
        ];
        facts
    }

    #[test]
    fn r80_before_keeps_means_and_ranks_by_kind_and_nobodys_name() {
        let tickets: Vec<TicketFacts> = (1..=4)
            .map(|i| one("Reset", 10 * i))
            .chain([one("Move", 60), one("Move", 90), one("Once", 5)])
            .collect();
        let all: Vec<&TicketFacts> = tickets.iter().collect();
        let (hours, tiers) = (open_hours(), Tiers::default());
        let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
        let measured = measure(&all, &desk, all[0].opened_at, all[0].opened_at);
        let before = Before::of(&measured, &desk);
        let cells = &before.handle[&HandleBasis::TimeEntries];
        // A kind of one ticket has no deviation, and is no ground to compare with.
        let found: Vec<(Option<&str>, u64, f64)> =
            cells.iter().map(|cell| (cell.r#type.as_deref(), cell.moments.n, cell.moments.mean)).collect();
        assert_eq!(found, [(Some("Move"), 2, 4_500.0), (Some("Reset"), 4, 1_500.0)]);
        assert_eq!(cells[1].ranks, [600.0, 1_200.0, 1_800.0, 2_400.0]);
        // Of seven times, 30, 60 and 90 minutes are whole quarters of an hour.
        assert_eq!((before.handled, before.answered, before.quarter_hours), (7, 7, Some(3.0 / 7.0)));
        assert_eq!(before.first_response[&Basis::Message].wall.len(), 2);
        let text = serde_json::to_string(&before).unwrap();
        assert!(!text.contains("Corvid"), "{text}");
        assert_eq!(serde_json::from_str::<Before>(&text).unwrap(), before);
    }

    #[test]
    fn r80_quantiles_of_before_follow_the_mix_of_after() {
        let cell = |kind: &str, ranks: &[f64]| Cell {
            board: None,
            r#type: Some(kind.to_owned()),
            priority: None,
            moments: Moments { n: 4, mean: 1.0, deviation: 1.0 },
            ranks: ranks.to_vec(),
        };
        let cells = [cell("Reset", &[1.0, 2.0, 3.0, 4.0]), cell("Move", &[10.0, 20.0, 30.0, 40.0])];
        let past = Before::kinds(&cells, &Aliases::new());
        let of = |kind: &str, n| ([None, Some(kind.to_owned()), None], n);
        let median = |weights: &[(Kind, usize)]| {
            quantiles_of_before(&past, &weights.iter().cloned().collect(), [0.5, 0.95])
        };
        assert_eq!(median(&[of("Reset", 9), of("Move", 1)]), [Some(3.0), Some(20.0)]);
        assert_eq!(median(&[of("Reset", 1), of("Move", 9)]), [Some(20.0), Some(40.0)]);
        assert_eq!(median(&[of("New", 5)]), [None, None]);
    }

    #[test]
    fn r24_kinds_that_were_renamed_to_one_name_are_one() {
        let cell = |kind: &str, mean| Cell {
            board: None,
            r#type: Some(kind.to_owned()),
            priority: None,
            moments: Moments { n: 2, mean, deviation: 0.0 },
            ranks: vec![mean],
        };
        let cells = [cell("Fernzugriff", 10.0), cell("VPN", 20.0)];
        let aliases = [((Field::Type, "VPN".to_owned()), "Fernzugriff".to_owned())].into();
        let past = Before::kinds(&cells, &aliases);
        assert_eq!(past.len(), 1);
        let only = &past[&[None, Some("Fernzugriff".to_owned()), None]];
        // 10, 10, 20, 20.
        assert_eq!((only.moments.n, only.moments.mean), (4, 15.0));
        assert!((only.moments.deviation - (100.0f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
