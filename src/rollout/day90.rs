//! The report of day 90 (R80): three numbers first, the signed thresholds met or missed, the verdict in plain words, and what is not known.
//!
//! Pure: the same facts give the same report. Must never guess: a figure without its facts is `None`, and says why.

mod kpis;
mod notes;
mod numbers;
mod page;
mod tables;
mod verdict;

use firstline_ticket::Phase;
use jiff::Timestamp;
use serde::Serialize;

pub use self::kpis::KpiResult;
pub use self::verdict::{Day90Outcome, Day90Verdict};
use crate::{
    Aliases, Basis, Before, Criteria, Desk, Reaction, Saving, SavingBasis, Seniors, Share, Worked, saving,
};

/// The form of the report as JSON.
pub const DAY90_FORMAT: &str = "firstline-day90/1";

/// The seed of its intervals.
const SEED: u64 = 80;

/// A ticket of the programme.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What is known of it.
    pub worked: Worked<'a>,
    /// How far Firstline might go with it; `None` where nobody knows.
    pub phase: Option<Phase>,
}

impl Told<'_> {
    fn in_scope(&self) -> bool {
        self.phase.is_some_and(|phase| phase >= Phase::Assist)
    }
}

/// The criteria that are in force, with who signed them.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'a> {
    /// Their version.
    pub version: u32,
    /// The criteria.
    pub criteria: &'a Criteria,
    /// Who signed them.
    pub signatures: &'a [SignedName],
}

/// Who signed, as they typed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedName {
    /// The name.
    pub name: String,
    /// As what they signed.
    pub role: String,
    /// When.
    pub at: Timestamp,
}

/// Shares that are counted elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CountedShares {
    /// Board and type, of tickets that nobody saw decided.
    pub agreement: Share,
    /// Drafts that were due, and ready within 60 seconds.
    pub drafted_in_time: Share,
    /// Drafts sent unchanged, of those that people decided on.
    pub verbatim: Share,
    /// Errors of actions that customers could see.
    pub errors: Share,
}

/// A hold, in force or past.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PastHold {
    /// Its number.
    pub hold: i64,
    /// Its level by name.
    pub level: String,
    /// What it does to the phase.
    pub reaction: Reaction,
    /// What it is about, in words.
    pub scope: String,
    /// Since when.
    pub at: Timestamp,
    /// The person, or `firstline` where a trigger fired.
    pub by: String,
    /// The cause.
    pub reason: String,
    /// When a person ended it, who, and why.
    pub released: Option<(Timestamp, String, String)>,
}

/// A week of the programme, as it is on record.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Day90Week {
    /// Its number in the programme.
    pub week: u32,
    /// In ISO 8601.
    pub iso: String,
    /// How far Firstline might go for the pilots at its end.
    pub phase: String,
    /// Days of it that were open.
    pub open_days: u64,
    /// People's tickets.
    pub tickets: u64,
    /// Board and type, of tickets that nobody saw decided.
    pub agreement: Option<f64>,
    /// Errors of actions that customers could see, and those actions.
    pub customer_visible_error: [u64; 2],
    /// Seconds to the first response: median,
    pub frt_p50: Option<f64>,
    /// and what 95 % keep to.
    pub frt_p95: Option<f64>,
    /// Drafts within 60 seconds.
    pub drafted_in_time: Option<f64>,
    /// Resolved alone, of all that first level resolved.
    pub l1_autonomous: Option<f64>,
    /// Minutes of work on a ticket.
    pub minutes_per_ticket: Option<f64>,
    /// Share of the time saved in scope.
    pub saved: Option<f64>,
    /// Holds of that week: the row of the roadmap or the level, and its cause.
    pub triggers: Vec<String>,
}

/// Something on record whose hash stands in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hash {
    /// What it is of.
    pub what: String,
    /// The sha256, hexadecimal.
    pub sha256: String,
}

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Day90Facts<'a> {
    /// The desk's hours and tiers.
    pub desk: &'a Desk<'a>,
    /// Labels that were renamed.
    pub aliases: &'a Aliases,
    /// The first moment of the programme's first week, and the first after the time that counts: 13 weeks later, or now.
    pub span: (Timestamp, Timestamp),
    /// Whether the 13 weeks are over.
    pub over: bool,
    /// When it is made.
    pub now: Timestamp,
    /// What tickets took before; `None` where it is not on record.
    pub before: Option<&'a Before>,
    /// People's tickets of the time, as known now.
    pub tickets: &'a [Told<'a>],
    /// What was signed; `None` where nothing is in force.
    pub criteria: Option<InForce<'a>>,
    /// Shares that are counted elsewhere.
    pub shares: CountedShares,
    /// All holds, the oldest first.
    pub holds: &'a [PastHold],
    /// The weeks on record, in order.
    pub weeks: &'a [Day90Week],
    /// What is on record with its hash.
    pub hashes: &'a [Hash],
    /// The pilot customers.
    pub pilots: &'a [String],
    /// What is granted, in words.
    pub granted: &'a [String],
    /// Incidents that count as errors, by id.
    pub incidents: &'a [String],
    /// The next step, in words.
    pub next: &'a [String],
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Day90 {
    /// [`DAY90_FORMAT`].
    pub format: &'static str,
    /// When it was made.
    pub made_at: Timestamp,
    /// The first moment of the programme's first week,
    pub from: Timestamp,
    /// and the first after the time that counts.
    pub to: Timestamp,
    /// The pilot customers.
    pub pilots: Vec<String>,
    /// What is granted.
    pub granted: Vec<String>,
    /// The verdict.
    pub verdict: Day90Verdict,
    /// The first number.
    pub hours_redirected: Hours,
    /// The second.
    pub first_response: ResponseBeside,
    /// The third.
    pub capacity: Capacity,
    /// The signed thresholds.
    pub kpis: Vec<KpiResult>,
    /// The version of the criteria in force; `None` where there is none.
    pub criteria_version: Option<u32>,
    /// Who signed it.
    pub signed_by: Vec<SignedName>,
    /// What Firstline resolved alone.
    pub l1_autonomous: L1Autonomous,
    /// First-level work of technicians above it.
    pub seniors: SeniorsBeside,
    /// Shares over the whole time.
    pub shares: CountedShares,
    /// The weeks.
    pub weeks: Vec<Day90Week>,
    /// All holds.
    pub rollbacks: Vec<PastHold>,
    /// Incidents that count as errors, by id.
    pub incidents: Vec<String>,
    /// What is estimated, in words.
    pub estimated: Vec<String>,
    /// What is not known, and why.
    pub not_known: Vec<String>,
    /// The next step.
    pub next: Vec<String>,
    /// What is on record with its hash.
    pub evidence: Vec<Hash>,
}

/// Hours that technicians were freed of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hours {
    /// The hours; below 0 where more were needed. `None` where nobody knows.
    pub hours: Option<f64>,
    /// Their 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// How they are known.
    pub basis: Option<SavingBasis>,
    /// Whether they are an estimate.
    pub estimate: bool,
    /// Tickets in scope, resolved or not.
    pub in_scope: u64,
    /// What they are made of.
    pub saving: Option<Saving>,
    /// Why nobody knows.
    pub why_unknown: Option<String>,
}

/// Mean, median and 95 % quantile of some times, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub median: Option<f64>,
    /// The 95 % quantile.
    pub p95: Option<f64>,
    /// Tickets.
    pub n: u64,
}

/// Times before and after, as if before had had the mix of after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Beside {
    /// Before.
    pub before: Spread,
    /// After.
    pub after: Spread,
    /// The means' `after / before - 1`.
    pub change: f64,
    /// Its 95 % interval.
    pub change_interval: [f64; 2],
}

/// First responses before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseBeside {
    /// How they are known, on both sides alike.
    pub basis: Option<Basis>,
    /// By the clock.
    pub wall: Option<Beside>,
    /// In open hours.
    pub open_hours: Option<Beside>,
    /// Answered tickets in scope whose kind did not occur before.
    pub left_out: u64,
    /// Why nobody knows.
    pub why_unknown: Option<String>,
}

/// Tickets that a technician can take more, a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capacity {
    /// The tickets; `None` where nobody knows.
    pub tickets_per_week: Option<f64>,
    /// Their 95 % interval, that of the hours.
    pub interval: Option<[f64; 2]>,
    /// Whether they are an estimate.
    pub estimate: bool,
    /// Minutes saved a week.
    pub saved_minutes_per_week: Option<f64>,
    /// Minutes of work on a ticket since, over the desk's own mix.
    pub minutes_per_ticket: Option<f64>,
    /// Technicians who logged time, in the mean week.
    pub technicians: Option<f64>,
    /// Weeks since Firstline may act.
    pub weeks: Option<f64>,
    /// Of those, weeks in which nobody logged time: they count for no technician.
    pub weeks_without_entries: u64,
    /// Why nobody knows.
    pub why_unknown: Option<String>,
}

/// First-level tickets that Firstline resolved alone, since it may.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct L1Autonomous {
    /// Closed as the customer confirmed, nobody of the desk having had a part in it.
    pub confirmed: u64,
    /// Of those, the ones that may still be opened again within 30 days.
    pub provisional: u64,
    /// Resolved tickets of which nobody knows who resolved them.
    pub unknown: u64,
    /// Resolved tickets of the desk whose level nobody knows: they are counted as first level's.
    pub unplaced: u64,
    /// Of all that first level resolved, or may have resolved.
    pub of_desk: Share,
    /// Of what it resolved in scope.
    pub of_scope: Share,
    /// With those that only ran out, of all that first level resolved.
    pub with_timed_out: Share,
}

/// First-level work of technicians above it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SeniorsBeside {
    /// Before.
    pub before: Option<Seniors>,
    /// Since Firstline may act.
    pub after: Option<Seniors>,
    /// The share of their time of before that first-level work no longer takes; below 0 where it takes more.
    pub freed: Option<f64>,
}

/// The report of `facts`.
pub fn day90(facts: &Day90Facts<'_>) -> Day90 {
    let scope: Vec<Worked<'_>> =
        facts.tickets.iter().filter(|one| one.in_scope()).map(|one| one.worked).collect();
    let signed = facts.criteria.map_or(&[][..], |of| &of.criteria.estimate);
    let saving = saving(facts.before, &scope, signed, facts.aliases, SEED);
    let hours = numbers::hours(facts, &scope, saving);
    let first_response = numbers::response(facts, &scope);
    let capacity = numbers::capacity(facts, &scope, signed, saving.as_ref());
    let l1_autonomous = numbers::level_one(facts);
    let seniors = numbers::seniors_beside(facts, &scope);
    let kpis = kpis::results(facts, &scope, saving.as_ref(), &first_response);
    let verdict = verdict::verdict(facts, &kpis);
    let mut report = Day90 {
        format: DAY90_FORMAT,
        made_at: facts.now,
        from: facts.span.0,
        to: facts.span.1,
        pilots: facts.pilots.to_vec(),
        granted: facts.granted.to_vec(),
        verdict,
        hours_redirected: hours,
        first_response,
        capacity,
        kpis,
        criteria_version: facts.criteria.map(|of| of.version),
        signed_by: facts.criteria.map(|of| of.signatures.to_vec()).unwrap_or_default(),
        l1_autonomous,
        seniors,
        shares: facts.shares,
        weeks: facts.weeks.to_vec(),
        rollbacks: facts.holds.to_vec(),
        incidents: facts.incidents.to_vec(),
        estimated: Vec::new(),
        not_known: Vec::new(),
        next: facts.next.to_vec(),
        evidence: facts.hashes.to_vec(),
    };
    report.estimated = notes::estimated(&report);
    report.not_known = notes::not_known(facts, &report);
    report
}

/// A change as `+3.0 %`.
pub(crate) fn signed_percent(change: f64) -> String {
    format!("{:+.1} %", 100.0 * change)
}

#[cfg(test)]
mod tests;
