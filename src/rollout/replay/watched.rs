//! The figures of a replay's weeks that are watched for two falls running: the agreement, and those that were signed.
//!
//! Must never look at anything later than the moment of its look. What a history can't show has no series.

use std::collections::BTreeSet;

use firstline_stats::Count;
use jiff::Timestamp;

use super::told::Rehearsal;
use super::week::OfWeek;
use crate::baseline::opened_by;
use crate::falls::times;
use crate::figures::{Measured, measure};
use crate::{Kpi, Population, Series, select};

/// The series of `weeks`, each with its number, as known at `moment`.
pub(super) fn watched(
    input: &Rehearsal<'_>,
    weeks: &[(u32, &OfWeek<'_>)],
    moment: Timestamp,
) -> Vec<(Kpi, Series)> {
    let signed = input.criteria.kpi.iter().map(|criterion| criterion.name);
    let kpis: BTreeSet<Kpi> = [Kpi::Agreement].into_iter().chain(signed).collect();
    let counts = |of: &dyn Fn(&OfWeek<'_>) -> Count| weeks.iter().map(|(n, week)| (*n, of(week))).collect();
    let mut found = Vec::new();
    for kpi in &kpis {
        found.extend(match kpi {
            Kpi::Agreement => Some((*kpi, Series::HigherShare(counts(&|week| week.joint(moment))))),
            Kpi::Errors => Some((*kpi, Series::LowerShare(counts(&|week| week.wrong(moment))))),
            Kpi::Verbatim => Some((*kpi, Series::HigherShare(counts(&|week| week.usable())))),
            _ => None,
        });
    }
    found.extend(of_the_desk(input, weeks, moment, &kpis));
    found
}

/// The desk's own figures, which Firstline would have changed: a fall of them holds a promotion all the same.
fn of_the_desk(
    input: &Rehearsal<'_>,
    weeks: &[(u32, &OfWeek<'_>)],
    moment: Timestamp,
    kpis: &BTreeSet<Kpi>,
) -> Vec<(Kpi, Series)> {
    let own = [
        (Kpi::HandleTime, Series::Times(Vec::new())),
        (Kpi::FirstResponse, Series::Times(Vec::new())),
        (Kpi::Resolution, Series::Times(Vec::new())),
        (Kpi::L1Share, Series::HigherShare(Vec::new())),
        (Kpi::Reopened, Series::LowerShare(Vec::new())),
    ];
    let mut own: Vec<(Kpi, Series)> = own.into_iter().filter(|(kpi, _)| kpis.contains(kpi)).collect();
    if own.is_empty() {
        return own;
    }
    for (number, week) in weeks {
        let then = opened_by(input.facts, week.week, moment);
        let people = select(&then, Population::People).tickets;
        let measured = measure(&people, input.desk, week.week.start, moment);
        for (kpi, series) in &mut own {
            match series {
                Series::Times(weeks) => weeks.push((*number, times(*kpi, &measured))),
                Series::HigherShare(weeks) | Series::LowerShare(weeks) => {
                    weeks.push((*number, count(*kpi, &measured)));
                }
            }
        }
    }
    own
}

fn count(kpi: Kpi, measured: &[Measured<'_>]) -> Count {
    let of = |one: &Measured<'_>| match kpi {
        Kpi::L1Share => one.by_first_level(),
        Kpi::Reopened => one.came_back(),
        _ => None,
    };
    let found: Vec<bool> = measured.iter().filter_map(of).collect();
    Count { hits: found.iter().filter(|holds| **holds).count(), n: found.len() }
}
