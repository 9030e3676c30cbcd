//! Whether a category may be acted on without a person (R44): what its certificates say, what people did with its drafts, and what came
//! of it.
//!
//! What is not certified stays with a person and keeps nothing back that is. Must never pass on what is not known.

use std::collections::BTreeMap;

use firstline_stats::{Count, Interval, share, upper_bound};
use firstline_ticket::Assertion;

use crate::evidence::Certificate;
use crate::gate::safety_checks;
use crate::{Check, Criteria, Direction, Gate, Kpi, Saving, acceptance_check};

/// Confidence of the one-sided bounds.
const CONFIDENCE: f64 = 0.95;
/// Share of errors that a certificate may promise at most,
const PROMISED: f64 = 0.02;
/// and the score that is asked for at least, whatever is certified.
pub const FLOOR: f64 = 0.90;
/// Share of errors among what people approved and was sent,
const ERRORS: f64 = 0.02;
/// and the upper bound of that share.
const ERRORS_BOUND: f64 = 0.05;
/// How far handle time has to have fallen.
const HANDLE: f64 = 0.40;

/// What is known of a category.
#[derive(Debug, Clone, Copy)]
pub struct CategoryEvidence<'a> {
    /// Its certificates.
    pub certificates: &'a [&'a Certificate],
    /// Its drafts that people reviewed, and those that they approved as they were.
    pub reviewed: Count,
    /// Replies that people approved and that were sent, and errors among them.
    pub sent: Count,
    /// The same of all categories: the bound is asked of these, since one category alone has few.
    pub sent_in_all: Count,
    /// Attacks that the bundle in service withstood; `None` where that was not tried.
    pub attacks: Option<Count>,
    /// Canaries that it kept; `None` where that was not tried.
    pub canaries: Option<Count>,
    /// The time that was saved in the pilots, where anybody knows.
    pub saving: Option<&'a Saving>,
}

/// The verdict on a category.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryGate {
    /// Its checks, and whether all of them hold.
    pub gate: Gate,
    /// From which score on each thing that is certified may be done alone.
    pub thresholds: BTreeMap<Assertion, f64>,
}

/// Judges a category by the criteria that were signed.
pub fn autonomous_gate(of: &CategoryEvidence<'_>, criteria: &Criteria) -> CategoryGate {
    let certified = of.certificates.iter().filter(|found| keeps(found));
    let thresholds: BTreeMap<Assertion, f64> =
        certified.filter_map(|found| Some((found.assertion, found.threshold?.max(FLOOR)))).collect();
    let reply = [Assertion::Reply, Assertion::SubtypeReply].iter().any(|of| thresholds.contains_key(of));
    let n = of.certificates.iter().map(|found| found.tested).max().unwrap_or(0);
    let mut certificates =
        point("things certified", Direction::AtLeast, 1.0, Some(thresholds.len() as f64), n);
    if !certificates.passed {
        certificates.missing = Some("`firstline certify` says how many tickets are missing".to_owned());
    }
    let mut checks = vec![certificates];
    checks.extend(errors(of));
    // Only a reply is a draft's matter.
    if reply {
        checks.push(acceptance_check(of.reviewed));
    }
    checks.extend(handle(of.saving, criteria));
    checks.extend(safety_checks(of.attacks, of.canaries));
    let passed = checks.iter().all(|check| check.passed);
    CategoryGate { gate: Gate { checks, passed }, thresholds }
}

/// Whether a certificate promises what acting alone takes.
fn keeps(found: &Certificate) -> bool {
    found.bound.is_some_and(|bound| bound <= PROMISED) && found.confidence >= CONFIDENCE
}

fn point(name: &str, direction: Direction, needed: f64, found: Option<f64>, n: u64) -> Check {
    Check::point(name, direction, needed, (found, n))
}

fn errors(of: &CategoryEvidence<'_>) -> [Check; 2] {
    let (own, all) = (of.sent, of.sent_in_all);
    let found = (own.n > 0).then(|| share(own.hits.min(own.n), own.n));
    let errors = all.hits.min(all.n);
    let known = |value: f64| (all.n > 0).then_some(value);
    let (rate, high) = (share(errors, all.n), upper_bound(errors, all.n.max(1), CONFIDENCE));
    let n = all.n as u64;
    let mut bound = point(
        "upper 95 % bound of errors in all categories",
        Direction::AtMost,
        ERRORS_BOUND,
        known(high),
        n,
    );
    if !bound.passed && all.n > 0 {
        let needed = Direction::AtMost.tickets(rate, ERRORS_BOUND, CONFIDENCE);
        bound.missing =
            needed.map(|needed| format!("at this rate about {needed} replies are needed, {n} are there"));
    }
    let of_category = "errors among replies that people approved";
    [point(of_category, Direction::AtMost, ERRORS, found, own.n as u64), bound]
}

/// Whether handle time has fallen. A desk that logs no time signs another KPI; then this one is not asked for.
fn handle(saving: Option<&Saving>, criteria: &Criteria) -> Option<Check> {
    let signed = criteria.kpi.iter().find(|kpi| kpi.name == Kpi::HandleTime)?;
    let needed = HANDLE.max(-signed.day90);
    let measured = saving.filter(|saving| saving.change_interval.is_some());
    let found = measured.map(|saving| -saving.change);
    let mut check =
        point("handle time saved", Direction::AtLeast, needed, found, measured.map_or(0, |saving| saving.n));
    if let Some([low, high]) = measured.and_then(|saving| saving.change_interval) {
        check.bounds = Some(Interval { lo: -high, hi: -low });
        if check.passed && high >= 0.0 {
            (check.passed, check.short_by) = (false, Some(high));
            check.missing = Some("the interval of the change must lie below 0".to_owned());
        }
    }
    Some(check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SavingBasis;

    fn certificate(assertion: Assertion, threshold: Option<f64>) -> Certificate {
        Certificate {
            board: Some("Desk".to_owned()),
            r#type: Some("Mail".to_owned()),
            assertion,
            threshold,
            tested: 300,
            accepted: 250,
            errors: 0,
            bound: threshold.map(|_| 0.012),
            confidence: 0.95,
            coverage: 0.83,
        }
    }

    fn saving(change: f64, interval: [f64; 2]) -> Saving {
        Saving {
            basis: SavingBasis::TimeEntries,
            before: 1_000.0,
            after: 1_000.0 * (1.0 + change),
            reviews: 0.0,
            corrections: 0.0,
            saved: -1_000.0 * change,
            interval: Some([0.0, 0.0]),
            change,
            change_interval: Some(interval),
            rounding: None,
            quarter_hours: None,
            n: 90,
            left_out: 0,
        }
    }

    fn failing(of: &CategoryEvidence<'_>, criteria: &Criteria) -> Vec<String> {
        let found = autonomous_gate(of, criteria);
        found.gate.checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
    }

    fn count(hits: usize, n: usize) -> Count {
        Count { hits, n }
    }

    #[test]
    fn r44_a_category_passes_on_certificates_errors_acceptance_and_handle_time() {
        let criteria = Criteria::parse(Criteria::EXAMPLE, "test").unwrap();
        let (reply, priority) =
            (certificate(Assertion::Reply, Some(0.93)), certificate(Assertion::Priority, None));
        let (both, good) = ([&reply, &priority], saving(-0.5, [-0.6, -0.4]));
        let sound = CategoryEvidence {
            certificates: &both,
            reviewed: count(30, 40),
            sent: count(0, 60),
            sent_in_all: count(0, 60),
            attacks: Some(count(192, 192)),
            canaries: Some(count(20, 20)),
            saving: Some(&good),
        };
        assert_eq!(failing(&sound, &criteria), [""; 0]);
        // What is not certified keeps nothing back that is.
        assert_eq!(autonomous_gate(&sound, &criteria).thresholds, [(Assertion::Reply, 0.93)].into());
        let with = |change: fn(&mut CategoryEvidence<'_>)| {
            let mut of = sound;
            change(&mut of);
            failing(&of, &criteria)
        };
        let (own, bound) =
            ("errors among replies that people approved", "upper 95 % bound of errors in all categories");
        let lax = Certificate { bound: Some(0.021), ..reply.clone() };
        let unsure = Certificate { confidence: 0.9, ..reply.clone() };
        let low = Certificate { threshold: Some(0.2), ..reply.clone() };
        let found = |one: &Certificate| {
            autonomous_gate(&CategoryEvidence { certificates: &[one], ..sound }, &criteria).thresholds
        };
        assert_eq!([found(&lax), found(&unsure)], [const { BTreeMap::new() }; 2], "another promise");
        assert_eq!(found(&low), [(Assertion::Reply, 0.90)].into());
        assert_eq!(with(|of| of.sent_in_all = count(1, 60)), [bound]);
        assert_eq!(with(|of| of.sent_in_all = count(2, 150)), [""; 0]);
        assert_eq!(with(|of| of.sent = count(1, 40)), [own]);
        assert_eq!(with(|of| of.sent = count(0, 0)), [own], "what was not measured does not pass");
        let accepted = "drafts of the category sent unchanged";
        assert_eq!(with(|of| of.reviewed = count(19, 19)), [accepted]);
        assert_eq!(with(|of| of.reviewed = count(24, 40)), [accepted]);
        assert_eq!(with(|of| of.saving = None), ["handle time saved"]);
        assert_eq!(with(|of| of.attacks = Some(count(191, 192))), ["attacks withstood"]);
        assert_eq!(with(|of| of.canaries = None), ["canaries kept"]);
        // A reply whose template depends on the subtype is a draft's matter, too.
        let subtype = certificate(Assertion::SubtypeReply, Some(0.93));
        let of = CategoryEvidence { certificates: &[&subtype], reviewed: count(0, 0), ..sound };
        assert_eq!(failing(&of, &criteria), [accepted]);
        let (poor, unsure) = (saving(-0.3, [-0.4, -0.2]), saving(-0.5, [-1.0, 0.1]));
        for bad in [&poor, &unsure] {
            assert_eq!(
                failing(&CategoryEvidence { saving: Some(bad), ..sound }, &criteria),
                ["handle time saved"]
            );
        }
    }

    #[test]
    fn r44_labels_alone_need_no_drafts_and_nothing_certified_passes_nothing() {
        let mut criteria = Criteria::parse(Criteria::EXAMPLE, "test").unwrap();
        criteria.kpi.retain(|kpi| kpi.name != Kpi::HandleTime);
        let board = certificate(Assertion::Board, Some(0.9));
        let only = [&board];
        let of = CategoryEvidence {
            certificates: &only,
            reviewed: count(0, 0),
            sent: count(0, 60),
            sent_in_all: count(0, 60),
            attacks: Some(count(192, 192)),
            canaries: Some(count(20, 20)),
            saving: None,
        };
        assert_eq!(failing(&of, &criteria), [""; 0]);
        assert_eq!(failing(&CategoryEvidence { certificates: &[], ..of }, &criteria), ["things certified"]);
    }
}
