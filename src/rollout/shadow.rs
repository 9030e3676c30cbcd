//! How often Firstline decides as the desk does, where nobody saw what it decided.
//!
//! What people saw before they chose is not agreement but what they kept, and is shown apart.

use std::collections::{BTreeMap, BTreeSet};

use firstline_stats::{Duration, kappa};
use firstline_ticket::Field;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Share, Times};

/// A decision beside how its ticket was closed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// The ticket's id.
    pub ticket_id: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The bundle that decided.
    pub bundle: String,
    /// What was decided.
    pub decided: BTreeMap<Field, String>,
    /// The labels that it was closed with ([`TicketFacts::closing_label`](crate::TicketFacts::closing_label)).
    pub closing: BTreeMap<Field, String>,
    /// Who closed it.
    pub technician: Option<String>,
    /// Whether anybody could see the decision before the ticket was closed.
    pub seen: bool,
}

/// Labels that were renamed in the PSA: the old name, and the one that holds now. A chain of names leads to its end.
pub type Aliases = BTreeMap<(Field, String), String>;

/// Agreement on one field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FieldAgreement {
    /// Share of pairs with the same label.
    pub share: Share,
    /// Cohen's kappa: the part that is more than chance.
    pub kappa: f64,
}

impl FieldAgreement {
    /// Of pairs of labels: of Firstline and the desk, or of two technicians on tickets that are nearly the same, which is the ceiling
    /// for any model.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let share = Share::of(pairs.iter().map(|(first, second)| first == second));
        Self { share, kappa: kappa(pairs.iter().copied()) }
    }
}

/// Agreement of desk and Firstline.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ShadowAgreement {
    /// Board and type both right: the share that the gate compares.
    pub joint: Share,
    /// Field by field.
    pub fields: BTreeMap<Field, FieldAgreement>,
    /// [`joint`](Self::joint) of tickets that the best technicians closed.
    pub best: Share,
    /// [`joint`](Self::joint) by bundle.
    pub bundles: BTreeMap<String, Share>,
    /// Tickets whose decision was seen, and whose board and type were left as decided. No agreement: people are led by what stands
    /// there.
    pub kept: Share,
    /// Tickets closed without a board or a type: nothing to agree with.
    pub without_label: u64,
}

/// The agreement over `tickets`, each of which counts once: of several decisions on one, the last. `best` names the best
/// technicians.
pub fn shadow_agreement(tickets: &[Judged], best: &BTreeSet<String>, aliases: &Aliases) -> ShadowAgreement {
    let mut in_time: Vec<&Judged> = tickets.iter().collect();
    in_time.sort_by(|a, b| (a.decided_at, &a.bundle).cmp(&(b.decided_at, &b.bundle)));
    let once: BTreeMap<&str, &Judged> = in_time.into_iter().map(|t| (t.ticket_id.as_str(), t)).collect();
    let (seen, unseen): (Vec<&Judged>, Vec<&Judged>) = once.into_values().partition(|ticket| ticket.seen);
    let joint = |ticket: &Judged| {
        let [board, kind] = [Field::Board, Field::Type].map(|field| pair(ticket, field, aliases));
        let (board, kind) = (board?, kind?);
        Some(board.0 == board.1 && kind.0 == kind.1)
    };
    let of_best = |ticket: &&&Judged| ticket.technician.as_ref().is_some_and(|name| best.contains(name));
    let mut bundles: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for ticket in &unseen {
        bundles.entry(ticket.bundle.clone()).or_default().extend(joint(ticket));
    }
    let field = |field| {
        let pairs: Vec<(&str, &str)> = unseen.iter().filter_map(|t| pair(t, field, aliases)).collect();
        (!pairs.is_empty()).then(|| (field, FieldAgreement::of(&pairs)))
    };
    let unlabelled =
        |t: &&&Judged| [Field::Board, Field::Type].iter().any(|f| label(&t.closing, *f).is_none());
    ShadowAgreement {
        joint: Share::of(unseen.iter().filter_map(|ticket| joint(ticket))),
        fields: Field::ALL.into_iter().filter_map(field).collect(),
        best: Share::of(unseen.iter().filter(of_best).filter_map(|ticket| joint(ticket))),
        bundles: bundles.into_iter().map(|(bundle, joint)| (bundle, Share::of(joint.into_iter()))).collect(),
        kept: Share::of(seen.iter().filter_map(|ticket| joint(ticket))),
        without_label: unseen.iter().filter(unlabelled).count() as u64,
    }
}

fn label(labels: &BTreeMap<Field, String>, field: Field) -> Option<&str> {
    labels.get(&field).map(|label| label.trim()).filter(|label| !label.is_empty())
}

/// What was decided and what it was closed with, by the names that hold now.
fn pair<'a>(ticket: &'a Judged, field: Field, aliases: &'a Aliases) -> Option<(&'a str, &'a str)> {
    let now = |label: &'a str| {
        let mut name = label;
        // Names may have been swapped in a circle: no more steps than there are aliases.
        for _ in 0..aliases.len() {
            match aliases.get(&(field, name.to_owned())) {
                Some(next) if next != label => name = next,
                _ => break,
            }
        }
        name
    };
    Some((now(label(&ticket.decided, field)?), now(label(&ticket.closing, field)?)))
}

/// Pairs of tickets that are nearly the same, by different technicians, that tell at least how far they agree with each other.
pub const FEWEST_PAIRS: usize = 30;

/// Tickets that a technician has closed at least, to be among the best.
const FEWEST: u64 = 100;

/// The best technicians where nobody has named them: the quarter whose labels the audit doubts least, of those with a hundred
/// tickets. `doubts` gives tickets closed, and those of them in doubt.
pub fn best_technicians(doubts: &BTreeMap<String, (u64, u64)>) -> BTreeSet<String> {
    let mut known: Vec<(f64, &String)> = doubts
        .iter()
        .filter(|(_, (closed, _))| *closed >= FEWEST)
        .map(|(name, (closed, doubted))| (*doubted as f64 / *closed as f64, name))
        .collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    known.iter().take(known.len().div_ceil(4)).map(|(_, name)| (*name).clone()).collect()
}

/// How often priorities are called too low or too high, by how urgent the ticket was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorityCalls {
    /// By rank at closing, 0 the most urgent: called right, less urgent, more urgent.
    pub ranks: BTreeMap<usize, [u64; 3]>,
    /// Tickets of the most urgent rank that were called less urgent, each by its id.
    pub missed: Vec<String>,
    /// Tickets with a priority that has no rank.
    pub unranked: u64,
}

/// The priority calls over `tickets`, by `rank` of a label, 0 for the most urgent.
pub fn priority_calls(tickets: &[Judged], rank: impl Fn(&str) -> Option<usize>) -> PriorityCalls {
    let mut calls = PriorityCalls::default();
    for ticket in tickets {
        let labels = [&ticket.decided, &ticket.closing].map(|labels| label(labels, Field::Priority));
        let [Some(decided), Some(closing)] = labels else { continue };
        let (Some(decided), Some(closing)) = (rank(decided), rank(closing)) else {
            calls.unranked += 1;
            continue;
        };
        let way = match decided.cmp(&closing) {
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Less => 2,
        };
        calls.ranks.entry(closing).or_default()[way] += 1;
        if closing == 0 && way == 1 {
            calls.missed.push(ticket.ticket_id.clone());
        }
    }
    calls.missed.sort();
    calls
}

/// A draft is usable verbatim where what was sent is no further from it, without greeting and signature.
const VERBATIM: f64 = 0.05;

/// Drafts that could have been sent as they were, by category, of those to which the reply is known: its distance from the draft, 0 for
/// the same.
pub fn usable_drafts<'a, Q, K>(drafts: impl IntoIterator<Item = (&'a Q, f64)>) -> BTreeMap<K, Share>
where
    Q: ToOwned<Owned = K> + ?Sized + 'a,
    K: Ord,
{
    let mut categories: BTreeMap<K, Vec<bool>> = BTreeMap::new();
    for (category, distance) in drafts {
        categories.entry(category.to_owned()).or_default().push(distance <= VERBATIM);
    }
    categories.into_iter().map(|(category, usable)| (category, Share::of(usable.into_iter()))).collect()
}

/// How completely, and how soon, tickets come in.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Intake {
    /// Tickets of the PSA's own list that have a decision.
    pub coverage: Share,
    /// Those that have none.
    pub missing: Vec<String>,
    /// Seconds from the opening in the PSA to the intake.
    pub lag: Times,
    /// Tickets that took longer than allowed, as after an outage of the PSA.
    pub late: Vec<String>,
}

/// The intake of `listed`, the ids of the PSA. `received` gives, by id, the seconds from the opening to the first intake; the same
/// ticket may come twice. `limit` is the most seconds that are not late.
pub fn intake<'a>(
    listed: &BTreeSet<String>,
    received: impl IntoIterator<Item = (&'a str, f64)>,
    limit: f64,
) -> Intake {
    let mut first: BTreeMap<&str, f64> = BTreeMap::new();
    for (id, seconds) in received {
        let lag = first.entry(id).or_insert(seconds);
        *lag = lag.min(seconds);
    }
    let late = first.iter().filter(|(_, seconds)| **seconds > limit);
    Intake {
        coverage: Share::of(listed.iter().map(|id| first.contains_key(id.as_str()))),
        missing: listed.iter().filter(|id| !first.contains_key(id.as_str())).cloned().collect(),
        late: late.map(|(id, _)| (*id).to_owned()).collect(),
        lag: Times::of(first.into_values().map(|seconds| Duration { seconds, ended: true })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(id: usize, decided: &str, closing: &str) -> Judged {
        let labels = |text: &str| {
            let mut parts = text.split('/');
            [Field::Board, Field::Type]
                .into_iter()
                .filter_map(|f| Some((f, parts.next()?.to_owned())))
                .collect()
        };
        Judged {
            ticket_id: format!("T{id}"),
            bundle: "b1".into(),
            decided: labels(decided),
            closing: labels(closing),
            ..Judged::default()
        }
    }

    fn agreement(tickets: &[Judged]) -> ShadowAgreement {
        shadow_agreement(tickets, &BTreeSet::from(["ada".to_owned()]), &Aliases::new())
    }

    #[test]
    fn r24_agreement_is_of_board_and_type_both() {
        let mut tickets = vec![
            judged(1, "Net/VPN", "Net/VPN"),
            judged(2, "Net/VPN", "Net/WLAN"),
            judged(3, "Net/VPN", "Desk/VPN"),
            judged(4, "Net/VPN", "Net/ "),
            judged(5, "Net/VPN", "Net/VPN "),
        ];
        tickets[0].technician = Some("ada".into());
        tickets[1].technician = Some("ben".into());
        let found = agreement(&tickets);
        assert_eq!((found.joint, found.best, found.without_label), (Share::new(2, 4), Share::new(1, 1), 1));
        assert_eq!(found.fields[&Field::Board].share, Share::new(4, 5));
        assert_eq!(found.fields[&Field::Type].share, Share::new(3, 4));
        assert_eq!(found.fields[&Field::Board].kappa, 0.0);
    }

    #[test]
    fn r31_what_people_saw_is_kept_and_no_agreement() {
        let mut tickets = vec![judged(1, "A/x", "A/x"), judged(2, "A/x", "A/x"), judged(3, "A/x", "B/x")];
        tickets[0].seen = true;
        let found = agreement(&tickets);
        assert_eq!((found.joint, found.kept), (Share::new(1, 2), Share::new(1, 1)));
    }

    #[test]
    fn a_duplicate_webhook_counts_once_and_a_new_bundle_by_itself() {
        let mut tickets = vec![judged(1, "A/x", "A/x"), judged(1, "A/x", "A/x"), judged(2, "B/x", "A/x")];
        tickets[2].bundle = "b2".into();
        let found = agreement(&tickets);
        assert_eq!(found.joint, Share::new(1, 2));
        assert_eq!(found.bundles, [("b1".into(), Share::new(1, 1)), ("b2".into(), Share::new(0, 1))].into());
    }

    #[test]
    fn r24_a_label_that_was_renamed_is_no_disagreement() {
        let renamed = |from: &str, to: &str| ((Field::Board, from.to_owned()), to.to_owned());
        let aliases: Aliases = [
            renamed("Net", "Network"),
            renamed("Network", "Networking"),
            renamed("P", "Q"),
            renamed("Q", "P"),
        ]
        .into();
        let tickets =
            [judged(1, "Net/x", "Networking/x"), judged(2, "Network/x", "Net/x"), judged(3, "P/x", "P/x")];
        let found = shadow_agreement(&tickets, &BTreeSet::new(), &aliases);
        assert_eq!(found.joint, Share::new(3, 3));
        // Of another field it is another name.
        let other = [judged(1, "A/Net", "A/Network")];
        assert_eq!(shadow_agreement(&other, &BTreeSet::new(), &aliases).joint, Share::new(0, 1));
    }

    #[test]
    fn r24_the_best_are_the_quarter_that_is_doubted_least() {
        let doubts: BTreeMap<String, (u64, u64)> = [
            ("ada", (200, 10)),
            ("ben", (150, 30)),
            ("cem", (99, 0)),
            ("dee", (400, 30)),
            ("eve", (100, 9)),
            ("fay", (120, 20)),
        ]
        .map(|(name, counts)| (name.to_owned(), counts))
        .into();
        assert_eq!(best_technicians(&doubts), ["ada", "dee"].map(str::to_owned).into());
        assert!(best_technicians(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn r26_every_missed_p1_is_listed() {
        let of = |id: usize, decided: &str, closing: &str| {
            let priority = |label: &str| BTreeMap::from([(Field::Priority, label.to_owned())]);
            Judged {
                ticket_id: format!("T{id}"),
                decided: priority(decided),
                closing: priority(closing),
                ..Judged::default()
            }
        };
        let tickets =
            [of(9, "P3", "P1"), of(2, "P2", "P1"), of(3, "P1", "P1"), of(4, "P1", "P2"), of(5, "P2", "soon")];
        let rank = |label: &str| ["P1", "P2", "P3"].iter().position(|name| *name == label);
        let found = priority_calls(&tickets, rank);
        assert_eq!(found.ranks, [(0, [1, 2, 0]), (1, [0, 0, 1])].into());
        assert_eq!((found.missed, found.unranked), (vec!["T2".to_owned(), "T9".to_owned()], 1));
    }

    #[test]
    fn r27_usable_verbatim_is_nearly_the_same() {
        let found = usable_drafts([
            ("Desk > Mail", 0.0),
            ("Desk > Mail", 0.05),
            ("Desk > Mail", 0.06),
            ("Net > VPN", 0.9),
        ]);
        assert_eq!(found["Desk > Mail"], Share::new(2, 3));
        assert_eq!(found["Net > VPN"], Share::new(0, 1));
    }

    #[test]
    fn r20_after_an_outage_tickets_are_late_and_not_lost() {
        let listed: BTreeSet<String> = (0..100).map(|i| format!("T{i}")).collect();
        let ids: Vec<String> = listed.iter().filter(|id| *id != "T7").cloned().collect();
        let outage = 2.0 * 86_400.0;
        let lag = |id: &str| if ["T1", "T2"].contains(&id) { outage } else { 20.0 };
        let twice = std::iter::once(("T1", outage + 60.0));
        let found = intake(&listed, ids.iter().map(|id| (id.as_str(), lag(id))).chain(twice), 60.0);
        assert_eq!((found.coverage, found.missing), (Share::new(99, 100), vec!["T7".to_owned()]));
        assert_eq!(found.late, ["T1", "T2"]);
        assert_eq!((found.lag.p50, found.lag.p95, found.lag.n), (Some(20.0), Some(20.0), 99));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_order_of_decisions_changes_the_agreement(
            rows in proptest::collection::vec((0usize..20, 0usize..3, 0usize..3, 0i64..5, any::<bool>()), 1..60),
            turn in 0usize..60,
        ) {
            let boards = ["A/x", "B/x", "B/y"];
            let mut tickets: Vec<Judged> = rows
                .iter()
                .map(|(id, decided, closing, at, seen)| Judged {
                    decided_at: Timestamp::from_second(*at).unwrap(),
                    bundle: format!("b{decided}"),
                    // How it was closed, and whether it was seen, belongs to the ticket.
                    seen: *seen && *id > 10,
                    ..judged(*id, boards[*decided], boards[(closing + id) % 3])
                })
                .collect();
            for i in 0..tickets.len() {
                let first = tickets.iter().position(|t| t.ticket_id == tickets[i].ticket_id).unwrap();
                (tickets[i].closing, tickets[i].seen) = (tickets[first].closing.clone(), tickets[first].seen);
            }
            let wanted = agreement(&tickets);
            let by = turn % tickets.len();
            tickets.rotate_left(by);
            prop_assert_eq!(agreement(&tickets), wanted.clone());
            tickets.reverse();
            prop_assert_eq!(agreement(&tickets), wanted);
        }
    }
}
