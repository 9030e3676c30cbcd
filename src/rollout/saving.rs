//! The time that was saved on tickets (R40, R72, R80): what they would have taken before, less what they took, reviews included, and less
//! corrections.
//!
//! How the times are known is part of the answer: time entries, else sums that were reported, else time at reviews, each for both sides
//! alike; else signed estimates, which are marked as such and judge nothing by themselves. Must never take a ticket without a known time
//! for one that took none, unless nobody of the desk touched it.

use std::collections::BTreeMap;

use firstline_stats::{Duration, Gain, Since, gain};
use firstline_ticket::{ActorKind, Happening};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::before::{Before, Kind, kind, quarter_hours};
use crate::{Aliases, Autonomy, HandleBasis, Saved, TicketFacts, Times};

/// A ticket in scope, since Firstline may act there.
#[derive(Debug, Clone, Copy)]
pub struct Worked<'a> {
    /// What is known of it.
    pub facts: &'a TicketFacts,
    /// Who resolved it.
    pub autonomy: Autonomy,
    /// Whether a draft for it was sent, as it was or in other words.
    pub assisted: bool,
    /// When the customer saw an error in it.
    pub error_at: Option<Timestamp>,
}

/// Minutes that a ticket of a category takes, as the desk's leadership has signed them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedMinutes {
    /// The board.
    pub board: String,
    /// The type.
    pub r#type: String,
    /// Minutes by hand.
    pub minutes: f64,
    /// Minutes with a draft that was sent; as many as by hand where nobody has said.
    #[serde(default)]
    pub assisted_minutes: Option<f64>,
}

/// How a saving is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SavingBasis {
    /// Technicians' time entries.
    TimeEntries,
    /// Sums reported with outcomes.
    Reported,
    /// Time at reviews.
    Reviews,
    /// Minutes that were signed: an estimate.
    Estimate,
}

impl SavingBasis {
    /// Its name, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::TimeEntries => HandleBasis::TimeEntries.in_words(),
            Self::Reported => HandleBasis::Reported.in_words(),
            Self::Reviews => HandleBasis::Reviews.in_words(),
            Self::Estimate => "ESTIMATE: signed minutes by category",
        }
    }

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeEntries => "time_entries",
            Self::Reported => "reported",
            Self::Reviews => "reviews",
            Self::Estimate => "estimate",
        }
    }
}

impl From<HandleBasis> for SavingBasis {
    fn from(basis: HandleBasis) -> Self {
        match basis {
            HandleBasis::TimeEntries => Self::TimeEntries,
            HandleBasis::Reported => Self::Reported,
            HandleBasis::Reviews => Self::Reviews,
        }
    }
}

/// The time that was saved. Times in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Saving {
    /// How it is known.
    pub basis: SavingBasis,
    /// What the tickets would have taken before.
    pub before: f64,
    /// What they took.
    pub after: f64,
    /// Of that, reviews in Firstline.
    pub reviews: f64,
    /// Logged after a customer had seen an error, in tickets that have nothing to be compared with. In the others it is part of `after`.
    pub corrections: f64,
    /// `before - after - corrections`.
    pub saved: f64,
    /// Its 95 % interval; `None` for an estimate, which has none.
    pub interval: Option<[f64; 2]>,
    /// Handle time beside before, freed of changes in the mix: -0.4 for 40 % less. Without corrections.
    pub change: f64,
    /// Its interval.
    pub change_interval: Option<[f64; 2]>,
    /// The change if every time of after were 7.5 minutes shorter, and longer: what rounding alone could make of it.
    pub rounding: Option<[f64; 2]>,
    /// Share of the times of after that are whole quarters of an hour.
    pub quarter_hours: Option<f64>,
    /// Tickets that it is over.
    pub n: u64,
    /// Resolved tickets that it leaves out: no time is known, or their kind did not occur before.
    pub left_out: u64,
}

impl Saving {
    /// As a trigger judges it: share of the time of before. `None` for an estimate: a person decides.
    pub fn judged(&self) -> Option<Saved> {
        let [_, high] = self.interval?;
        let share = |minutes: f64| minutes / self.before;
        Some(Saved { share: share(self.saved), high: share(high), n: self.n })
    }
}

/// Half a quarter of an hour, in seconds.
const HALF_QUARTER: f64 = 450.0;

/// The time that was saved on the resolved ones of `after`, by the best basis that is known of both sides; `None` where none is.
pub fn saving(
    before: Option<&Before>,
    after: &[Worked<'_>],
    signed: &[SignedMinutes],
    aliases: &Aliases,
    seed: u64,
) -> Option<Saving> {
    let resolved: Vec<&Worked<'_>> = after.iter().filter(|one| one.facts.resolved_at.is_some()).collect();
    let logged = before.and_then(|before| by_time((before, aliases), &resolved, seed));
    logged.or_else(|| by_estimate(&resolved, signed, aliases))
}

/// The time that was saved, as the trigger R72 judges it: `None` where nobody knows, and where there are only estimates.
pub fn saved(before: Option<&Before>, after: &[Worked<'_>], aliases: &Aliases, seed: u64) -> Option<Saved> {
    saving(before, after, &[], aliases, seed)?.judged()
}

impl Worked<'_> {
    /// Nobody of the desk touched it.
    fn alone(&self) -> bool {
        matches!(self.autonomy, Autonomy::Confirmed | Autonomy::TimedOut)
    }

    /// Seconds at its review; they count beside what was logged.
    fn reviewed(&self) -> f64 {
        self.facts.handle_time_by(HandleBasis::Reviews).unwrap_or(0.0)
    }

    /// Seconds of work by one basis, without its review.
    fn seconds(&self, basis: HandleBasis) -> Option<f64> {
        self.facts.handle_time_by(basis).or_else(|| self.alone().then_some(0.0))
    }

    /// Seconds that technicians logged after the customer had seen an error.
    fn corrections(&self) -> f64 {
        let Some(at) = self.error_at else { return 0.0 };
        let entries = self.facts.history().into_iter().filter_map(|event| match event.what {
            Happening::TimeEntry { seconds, .. }
                if event.actor_kind == ActorKind::Technician && event.at > at =>
            {
                Some(seconds).filter(|seconds| (0.0..=crate::facts::LONGEST).contains(seconds))
            }
            _ => None,
        });
        entries.sum()
    }
}

/// The best basis of before by which at least half of the tickets of each side whose time is known at all have one.
fn shared_basis(before: &Before, after: &[&Worked<'_>]) -> Option<HandleBasis> {
    let by_people = || after.iter().filter(|one| !one.alone());
    HandleBasis::ALL.into_iter().find(|basis| {
        let was: u64 =
            before.handle.get(basis).map_or(0, |cells| cells.iter().map(|cell| cell.moments.n).sum());
        let known = by_people().filter(|one| one.facts.handle_time().is_some()).count();
        let by_this = by_people().filter(|one| one.facts.handle_time_by(*basis).is_some()).count();
        let covers = 2 * by_this >= known && (by_this > 0 || by_people().next().is_none());
        was > 0 && 2 * was >= before.handled && covers
    })
}

fn by_time((before, aliases): (&Before, &Aliases), after: &[&Worked<'_>], seed: u64) -> Option<Saving> {
    let basis = shared_basis(before, after)?;
    let past = Before::kinds(&before.handle[&basis], aliases);
    let mut since: BTreeMap<Kind, Since> = BTreeMap::new();
    let (mut reviews, mut corrections, mut times) = (0.0, 0.0, Vec::new());
    for one in after {
        let kind = kind(one.facts, aliases);
        let (Some(seconds), Some(past)) = (one.seconds(basis), past.get(&kind)) else {
            corrections += one.corrections();
            continue;
        };
        // Where reviews are the basis, they are not counted once more.
        let review = if basis == HandleBasis::Reviews { 0.0 } else { one.reviewed() };
        reviews += review;
        times.extend(one.facts.handle_time_by(basis));
        let of = since.entry(kind).or_insert_with(|| Since { before: past.moments, after: Vec::new() });
        of.after.push(seconds + review);
    }
    let mut since: Vec<Since> = since.into_values().collect();
    let found: Gain = gain(&since, seed)?;
    let minutes = |seconds: f64| seconds / 60.0;
    let interval = found.interval.map(|end| minutes(end - corrections));
    let mut moved = |shift: f64| {
        since.iter_mut().flat_map(|of| &mut of.after).for_each(|value| *value = (*value + shift).max(0.0));
        gain(&since, seed).map_or(f64::NAN, |gain| gain.change)
    };
    let (longer, shorter) = (moved(HALF_QUARTER), moved(-2.0 * HALF_QUARTER));
    Some(Saving {
        basis: basis.into(),
        before: minutes(found.before),
        after: minutes(found.after),
        reviews: minutes(reviews),
        corrections: minutes(corrections),
        saved: minutes(found.gained - corrections),
        interval: Some(interval),
        change: found.change,
        change_interval: Some(found.change_interval),
        rounding: Some([shorter, longer]),
        quarter_hours: quarter_hours(&times),
        n: found.n,
        left_out: after.len() as u64 - found.n,
    })
}

fn by_estimate(after: &[&Worked<'_>], signed: &[SignedMinutes], aliases: &Aliases) -> Option<Saving> {
    let by_category: BTreeMap<(&str, &str), &SignedMinutes> =
        signed.iter().map(|of| ((of.board.trim(), of.r#type.trim()), of)).collect();
    let (mut before, mut took, mut reviews, mut n) = (0.0, 0.0, 0.0, 0);
    for one in after {
        let [board, ticket_type, _] = kind(one.facts, aliases);
        let (Some(board), Some(ticket_type)) = (board, ticket_type) else { continue };
        let Some(of) = by_category.get(&(board.as_str(), ticket_type.as_str())) else { continue };
        before += of.minutes;
        reviews += one.reviewed() / 60.0;
        took += match one.assisted {
            _ if one.alone() => 0.0,
            true => of.assisted_minutes.unwrap_or(of.minutes),
            false => of.minutes,
        };
        n += 1;
    }
    // Corrections are known only where somebody logs time.
    let corrections: f64 = after.iter().map(|one| one.corrections() / 60.0).sum();
    (before > 0.0).then(|| Saving {
        basis: SavingBasis::Estimate,
        before,
        after: took + reviews,
        reviews,
        corrections,
        saved: before - took - reviews - corrections,
        interval: None,
        change: (took + reviews) / before - 1.0,
        change_interval: None,
        rounding: None,
        quarter_hours: None,
        n,
        left_out: after.len() as u64 - n,
    })
}

/// Minutes of work on a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MinutesPerTicket {
    /// How they are known.
    pub basis: SavingBasis,
    /// Their mean.
    pub mean: f64,
    /// Its 95 % interval, where there are enough.
    pub interval: Option<[f64; 2]>,
    /// Tickets that it is over.
    pub n: u64,
}

/// Minutes of work on a resolved ticket, by the best basis: what most of those have that a technician logged time on; else time at
/// reviews; else signed estimates. What is resolved without a person's touch took none, and counts where anything was logged. `None`
/// where nobody knows.
pub fn minutes_per_ticket(
    tickets: &[Worked<'_>],
    signed: &[SignedMinutes],
    aliases: &Aliases,
) -> Option<MinutesPerTicket> {
    let resolved: Vec<&Worked<'_>> = tickets.iter().filter(|one| one.facts.resolved_at.is_some()).collect();
    let logged = resolved.iter().filter(|one| one.facts.handle_time().is_some()).count();
    for basis in HandleBasis::ALL {
        let by_this = resolved.iter().filter(|one| one.facts.handle_time_by(basis).is_some()).count();
        if by_this == 0 || (basis != HandleBasis::Reviews && 2 * by_this < logged) {
            continue;
        }
        let seconds: Vec<f64> = match basis {
            HandleBasis::Reviews => {
                resolved.iter().filter_map(|one| one.facts.handle_time_by(basis)).collect()
            }
            _ => resolved.iter().filter_map(|one| Some(one.seconds(basis)? + one.reviewed())).collect(),
        };
        let times = Times::of(seconds.into_iter().map(|seconds| Duration { seconds, ended: true }));
        let interval = times.mean_interval.map(|ends| ends.map(|end| end / 60.0));
        return Some(MinutesPerTicket {
            basis: basis.into(),
            mean: times.mean? / 60.0,
            interval,
            n: times.n,
        });
    }
    let estimate = by_estimate(&resolved, signed, aliases)?;
    let mean = estimate.after / estimate.n as f64;
    Some(MinutesPerTicket { basis: SavingBasis::Estimate, mean, interval: None, n: estimate.n })
}

#[cfg(test)]
mod tests;
