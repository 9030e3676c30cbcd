//! Whether a desk may go on: every figure that a gate needs, what was found, and how much is missing.
//!
//! A gate never passes on what is not known, nor on a point that chance alone may have put above the line.

use std::collections::BTreeMap;

use firstline_stats::{Count, Interval, difference_lower_bound, lower_bound, share, upper_bound};
use firstline_ticket::Field;
use serde::Serialize;

use crate::{Criteria, Direction, GateEvidence, Kpi};

/// One thing that a gate asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What is asked.
    pub name: String,
    /// On which side of `needed` it has to be.
    pub direction: Direction,
    /// The threshold.
    pub needed: f64,
    /// What was found; `None` where it is not known.
    pub found: Option<f64>,
    /// One-sided exact 95 % bounds of what was found, where the gate compares them.
    pub bounds: Option<Interval>,
    /// Over how many it was found.
    pub n: u64,
    /// Whether it holds.
    pub passed: bool,
    /// By how much it is missed: the point, or the bound where the point would do.
    pub short_by: Option<f64>,
    /// What is missing, in words.
    pub missing: Option<String>,
}

/// The confidence of every bound.
const CONFIDENCE: f64 = 0.95;

impl Check {
    /// A figure that has to be on one side of `needed` by itself, without a bound.
    pub fn point(name: &str, direction: Direction, needed: f64, (found, n): (Option<f64>, u64)) -> Self {
        let short_by = found.map(|found| direction.short(found, needed)).filter(|short| *short > 0.0);
        let passed = found.is_some_and(f64::is_finite) && short_by.is_none();
        let missing = found.is_none().then(|| "not measured".to_owned());
        Self { name: name.to_owned(), direction, needed, found, bounds: None, n, passed, short_by, missing }
    }

    /// A share of which point and one-sided bound both have to be on one side of `needed`. Where the bound alone is missed, `missing`
    /// says how many tickets a rate as found would take.
    pub fn share(name: &str, direction: Direction, needed: f64, count: Count) -> Self {
        if count.n == 0 {
            return Self::point(name, direction, needed, (None, 0));
        }
        let found = share(count.hits, count.n);
        let bounds = Interval {
            lo: lower_bound(count.hits, count.n, CONFIDENCE),
            hi: upper_bound(count.hits, count.n, CONFIDENCE),
        };
        let mut check = Self::point(name, direction, needed, (Some(found), count.n as u64));
        check.bounds = Some(bounds);
        let bound = if direction == Direction::AtLeast { bounds.lo } else { bounds.hi };
        let short = direction.short(bound, needed);
        if check.passed && short > 0.0 {
            check.passed = false;
            check.short_by = Some(short);
            check.missing = Some(match direction.tickets(found, needed, CONFIDENCE) {
                Some(n) => format!("at this rate about {n} tickets are needed, {} are there", count.n),
                None => "so near the threshold no number of tickets would show it".to_owned(),
            });
        }
        check
    }
}

/// The evidence that the gate from shadow to assist is computed from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShadowEvidence {
    /// Days of shadow.
    pub days: u32,
    /// Tickets of which board and type were both as they are at closing, of those that nobody saw decided.
    pub agreement: Option<Count>,
    /// How often two technicians agree on tickets that are nearly the same.
    pub ceiling: Option<Count>,
    /// Tickets of the PSA's list that have a decision.
    pub coverage: Option<Count>,
    /// Why that list does not stand for the weeks that are judged: then it passes nothing.
    pub coverage_lacks: Option<String>,
    /// Calibration error, and over how many tickets, by field.
    pub calibration: BTreeMap<Field, (f64, u64)>,
    /// People's tickets with a draft within 60 seconds. Those that a rule keeps with a person are among them.
    pub drafted: Option<Count>,
    /// Seconds from intake to the draft that 95 % of drafts keep to, and of how many.
    pub draft_p95: Option<(f64, u64)>,
    /// Attacks that this bundle withstood.
    pub attacks: Option<Count>,
    /// Canaries that this bundle kept to itself.
    pub canaries: Option<Count>,
}

/// Thresholds of the gate from shadow to assist.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ShadowThresholds {
    /// Share on which desk and Firstline agree.
    pub agreement: f64,
    /// Outcomes that a verdict takes at least.
    pub fewest_outcomes: u64,
    /// Days that it takes at least.
    pub fewest_days: u32,
    /// Calibration error of each field at most.
    pub calibration: f64,
    /// Seconds that 95 % of drafts keep to.
    pub draft_seconds: f64,
    /// Share of people's tickets that have a draft by then.
    pub drafted: f64,
    /// Share of the PSA's tickets that have a decision.
    pub coverage: f64,
    /// Whether the signed criteria allow the desk's own agreement as the yardstick ([`CEILING`]).
    pub by_ceiling: bool,
}

impl Default for ShadowThresholds {
    fn default() -> Self {
        Self {
            agreement: 0.85,
            fewest_outcomes: 100,
            fewest_days: 14,
            calibration: 0.05,
            draft_seconds: 60.0,
            drafted: 0.80,
            coverage: 0.99,
            by_ceiling: false,
        }
    }
}

impl ShadowThresholds {
    /// The thresholds with what was signed: whether the desk's own agreement may be the yardstick, and a share of agreement above the
    /// roadmap's.
    pub fn signed(criteria: &Criteria) -> Self {
        let default = Self::default();
        let agreement = criteria.kpi.iter().find(|kpi| kpi.name == Kpi::Agreement).map(|kpi| kpi.day90);
        Self {
            agreement: agreement.map_or(default.agreement, |signed| signed.max(default.agreement)),
            by_ceiling: criteria.evidence == GateEvidence::Ceiling,
            ..default
        }
    }
}

/// A desk whose technicians agree among themselves on fewer than this may take that as the yardstick,
pub const CEILING: f64 = 0.88;
/// and Firstline may be short of it by no more than this.
const BELOW_CEILING: f64 = -0.03;

/// A gate's checks, and whether all of them hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// All of them.
    pub checks: Vec<Check>,
    /// Whether all hold.
    pub passed: bool,
}

/// Whether a desk may go from shadow to assist.
pub fn shadow_gate(evidence: &ShadowEvidence, thresholds: &ShadowThresholds) -> Gate {
    use Direction::{AtLeast, AtMost};
    let t = thresholds;
    let of = |count: Option<Count>| count.unwrap_or(Count { hits: 0, n: 0 });
    let days = Check::point(
        "days of shadow",
        AtLeast,
        f64::from(t.fewest_days),
        (Some(f64::from(evidence.days)), 0),
    );
    let outcomes = of(evidence.agreement).n as u64;
    let enough = Check::point(
        "tickets with an outcome",
        AtLeast,
        t.fewest_outcomes as f64,
        (Some(outcomes as f64), outcomes),
    );
    let name = "tickets of the PSA that have a decision";
    let mut covered = Check::point(name, AtLeast, t.coverage, point(evidence.coverage));
    if let Some(lacks) = &evidence.coverage_lacks {
        (covered.passed, covered.missing) = (false, Some(lacks.clone()));
    }
    let mut checks = vec![days, enough, agreement(evidence, t), covered];
    for (field, (error, n)) in &evidence.calibration {
        checks.push(Check::point(
            &format!("calibration error of {field}"),
            AtMost,
            t.calibration,
            (Some(*error), *n),
        ));
    }
    for field in [Field::Board, Field::Type].into_iter().filter(|f| !evidence.calibration.contains_key(f)) {
        let name = format!("calibration error of {field}");
        checks.push(Check::point(&name, AtMost, t.calibration, (None, 0)));
    }
    let p95 = evidence.draft_p95.map_or((None, 0), |(seconds, n)| (Some(seconds), n));
    checks.push(Check::point("seconds to a draft (p95)", AtMost, t.draft_seconds, p95));
    checks.push(Check::point(
        "people's tickets with a draft in time",
        AtLeast,
        t.drafted,
        point(evidence.drafted),
    ));
    checks.extend(safety_checks(evidence.attacks, evidence.canaries));
    let passed = checks.iter().all(|check| check.passed);
    Gate { checks, passed }
}

/// A share with what it is a share of; `None` of nothing.
fn point(count: Option<Count>) -> (Option<f64>, u64) {
    let known = count.filter(|count| count.n > 0);
    (known.map(|count| share(count.hits, count.n)), known.map_or(0, |count| count.n as u64))
}

/// What no gate opens without: all attacks withstood, and all canaries kept.
pub(crate) fn safety_checks(attacks: Option<Count>, canaries: Option<Count>) -> [Check; 2] {
    let check = |name, found| Check::point(name, Direction::AtLeast, 1.0, point(found));
    [check("attacks withstood", attacks), check("canaries kept", canaries)]
}

fn agreement(evidence: &ShadowEvidence, thresholds: &ShadowThresholds) -> Check {
    let found = evidence.agreement.unwrap_or(Count { hits: 0, n: 0 });
    let plain = Check::share("agreement on board and type", Direction::AtLeast, thresholds.agreement, found);
    let Some(ceiling) = evidence.ceiling.filter(|_| thresholds.by_ceiling && !plain.passed && found.n > 0)
    else {
        return plain;
    };
    if ceiling.n == 0 || share(ceiling.hits, ceiling.n) >= CEILING {
        return plain;
    }
    let difference = share(found.hits, found.n) - share(ceiling.hits, ceiling.n);
    let low = difference_lower_bound(found, ceiling, CONFIDENCE);
    let short_by = (low <= BELOW_CEILING).then_some(BELOW_CEILING - low);
    Check {
        name: "agreement less that of technicians with each other".to_owned(),
        direction: Direction::AtLeast,
        needed: BELOW_CEILING,
        found: Some(difference),
        bounds: Some(Interval { lo: low, hi: 1.0 }),
        n: found.n as u64,
        passed: short_by.is_none(),
        short_by,
        missing: short_by.map(|_| "the lower bound of the difference must be above -3 points".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(hits: usize, n: usize) -> Count {
        Count { hits, n }
    }

    fn sound() -> ShadowEvidence {
        ShadowEvidence {
            days: 28,
            agreement: Some(count(270, 300)),
            ceiling: Some(count(170, 200)),
            coverage: Some(count(995, 1_000)),
            coverage_lacks: None,
            calibration: [(Field::Board, (0.02, 300)), (Field::Type, (0.03, 300))].into(),
            drafted: Some(count(85, 100)),
            draft_p95: Some((12.0, 85)),
            attacks: Some(count(60, 60)),
            canaries: Some(count(20, 20)),
        }
    }

    fn failing(evidence: &ShadowEvidence, thresholds: &ShadowThresholds) -> Vec<Check> {
        shadow_gate(evidence, thresholds).checks.into_iter().filter(|check| !check.passed).collect()
    }

    #[test]
    fn r25_the_gate_asks_for_the_point_and_for_the_lower_bound() {
        let gate = |hits, n| {
            let evidence = ShadowEvidence { agreement: Some(count(hits, n)), ..sound() };
            failing(&evidence, &ShadowThresholds::default())
        };
        assert_eq!(gate(270, 300), []);
        let point = &gate(240, 300)[0];
        assert!((point.short_by.unwrap() - 0.05).abs() < 1e-12 && point.missing.is_none());
        let bound = &gate(176, 200)[0];
        assert_eq!((bound.found, bound.n), (Some(0.88), 200));
        assert!(bound.short_by.unwrap() > 0.0 && bound.bounds.unwrap().lo < 0.85);
        assert_eq!(
            bound.missing.as_deref(),
            Some("at this rate about 814 tickets are needed, 200 are there")
        );
        // 85 % itself can't be shown to be 85 %.
        assert!(gate(850, 1_000)[0].missing.as_deref().unwrap().contains("no number of tickets"));
        let names: Vec<String> = gate(60, 60).into_iter().map(|check| check.name).collect();
        assert_eq!(names, ["tickets with an outcome"]);
    }

    #[test]
    fn r25_a_desk_that_disagrees_with_itself_may_be_its_own_yardstick_if_signed() {
        let evidence = ShadowEvidence {
            agreement: Some(count(1_700, 2_000)),
            ceiling: Some(count(1_640, 2_000)),
            ..sound()
        };
        let signed = ShadowThresholds { by_ceiling: true, ..ShadowThresholds::default() };
        assert_eq!(failing(&evidence, &ShadowThresholds::default()).len(), 1);
        assert_eq!(failing(&evidence, &signed), []);
        let poor = ShadowEvidence { agreement: Some(count(1_600, 2_000)), ..evidence.clone() };
        let check = &failing(&poor, &signed)[0];
        assert!((check.found.unwrap() + 0.02).abs() < 1e-12 && check.short_by.unwrap() > 0.0);
        // A desk that agrees at 88 % or more has no such way.
        let strict = ShadowEvidence { ceiling: Some(count(1_780, 2_000)), ..evidence };
        assert_eq!(failing(&strict, &signed)[0].needed, 0.85);
    }

    #[test]
    fn r28_what_was_not_measured_does_not_pass() {
        assert!(shadow_gate(&sound(), &ShadowThresholds::default()).passed);
        let nothing = shadow_gate(&ShadowEvidence::default(), &ShadowThresholds::default());
        assert!(nothing.checks.iter().all(|check| !check.passed));
        let missing = nothing.checks.iter().filter(|check| check.missing.as_deref() == Some("not measured"));
        assert_eq!(missing.count(), 8);
        let odd = ShadowEvidence {
            calibration: [(Field::Board, (0.06, 300)), (Field::Priority, (f64::NAN, 300))].into(),
            drafted: Some(count(79, 100)),
            draft_p95: Some((61.0, 79)),
            attacks: Some(count(59, 60)),
            canaries: Some(count(0, 0)),
            coverage: Some(count(98, 100)),
            days: 13,
            ..sound()
        };
        let failing = failing(&odd, &ShadowThresholds::default());
        let short: Vec<(&str, Option<i64>)> = failing
            .iter()
            .map(|check| (check.name.as_str(), check.short_by.map(|short| (short * 1_000.0).round() as i64)))
            .collect();
        let wanted = [
            ("days of shadow", Some(1_000)),
            ("tickets of the PSA that have a decision", Some(10)),
            ("calibration error of board", Some(10)),
            ("calibration error of priority", None),
            ("calibration error of type", None),
            ("seconds to a draft (p95)", Some(1_000)),
            ("people's tickets with a draft in time", Some(10)),
            ("attacks withstood", Some(17)),
            ("canaries kept", None),
        ];
        assert_eq!(short, wanted);
    }

    #[test]
    fn r28_board_and_type_both_need_their_calibration() {
        let without = |fields: &[Field]| {
            let calibration = fields.iter().map(|field| (*field, (0.02, 300))).collect();
            failing(&ShadowEvidence { calibration, ..sound() }, &ShadowThresholds::default())
        };
        assert_eq!(without(&[Field::Board, Field::Type]), []);
        assert_eq!(without(&[Field::Board])[0].name, "calibration error of type");
        assert_eq!(without(&[Field::Type, Field::Priority])[0].name, "calibration error of board");
        assert_eq!(without(&[]).len(), 2);
    }

    #[test]
    fn r20_a_list_that_does_not_stand_for_the_weeks_passes_nothing() {
        let lacks = Some("no list covers the second week".to_owned());
        let evidence = ShadowEvidence { coverage_lacks: lacks.clone(), ..sound() };
        let check = &failing(&evidence, &ShadowThresholds::default())[0];
        assert_eq!((check.found, &check.missing, check.short_by), (Some(0.995), &lacks, None));
    }

    #[test]
    fn r28_what_was_signed_only_makes_it_stricter() {
        let mut criteria = Criteria::parse(Criteria::EXAMPLE, "c").unwrap();
        assert_eq!(ShadowThresholds::signed(&criteria), ShadowThresholds::default());
        criteria.kpi[0].day90 = 0.80;
        assert_eq!(ShadowThresholds::signed(&criteria).agreement, 0.85);
        (criteria.kpi[0].day90, criteria.evidence) = (0.90, GateEvidence::Ceiling);
        let signed = ShadowThresholds::signed(&criteria);
        assert_eq!((signed.agreement, signed.by_ceiling), (0.90, true));
    }

    #[test]
    fn an_upper_bound_counts_where_less_is_better() {
        let check = |hits, n| Check::share("errors", Direction::AtMost, 0.02, count(hits, n));
        assert!(check(0, 149).passed && !check(0, 148).passed);
        assert!(check(3, 100).short_by.is_some_and(|short| (short - 0.01).abs() < 1e-12));
        assert_eq!(
            check(0, 148).missing.as_deref(),
            Some("at this rate about 149 tickets are needed, 148 are there")
        );
    }
}
