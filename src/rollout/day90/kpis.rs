//! The signed thresholds, met or missed.

use firstline_ticket::Phase;
use serde::Serialize;

use super::numbers::{Values, beside, level_one};
use super::{Beside, Day90Facts, ResponseBeside};
use crate::before::kind;
use crate::{Criterion, Direction, Kpi, Saving, Share, Worked};

/// A signed threshold with what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KpiResult {
    /// The KPI.
    pub name: Kpi,
    /// Whether it is one of the three that the verdict names.
    pub headline: bool,
    /// On which side of `needed` it has to be.
    pub direction: Direction,
    /// The threshold.
    pub needed: f64,
    /// What was found; `None` where nobody knows.
    pub found: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Tickets that it is over.
    pub n: u64,
    /// Whether it is met; `None` where nobody knows.
    pub met: Option<bool>,
    /// Whether the whole interval is on that side: then chance does not explain it.
    pub sure: bool,
    /// Why nobody knows, or what to mind.
    pub note: Option<String>,
}

/// What was found of a figure.
#[derive(Clone, Copy, Default)]
struct Found {
    value: Option<f64>,
    interval: Option<[f64; 2]>,
    n: u64,
    note: Option<&'static str>,
}

impl From<Share> for Found {
    fn from(share: Share) -> Self {
        let interval = share.low.zip(share.high).map(|(low, high)| [low, high]);
        Self { value: share.share, interval, n: share.of, note: None }
    }
}

impl From<Option<Beside>> for Found {
    fn from(of: Option<Beside>) -> Self {
        let Some(of) = of else { return Self::default() };
        Self { value: Some(of.change), interval: Some(of.change_interval), n: of.after.n, note: None }
    }
}

/// The result of each signed threshold, headline figures first.
pub(super) fn results(
    facts: &Day90Facts<'_>,
    scope: &[Worked<'_>],
    saving: Option<&Saving>,
    response: &ResponseBeside,
) -> Vec<KpiResult> {
    let Some(of) = facts.criteria else { return Vec::new() };
    let mut results: Vec<KpiResult> = of
        .criteria
        .kpi
        .iter()
        .map(|one| result(one, find(one.name, facts, (scope, saving, response))))
        .collect();
    results.sort_by_key(|one| !one.headline);
    results
}

fn result(signed: &Criterion, found: Found) -> KpiResult {
    let holds = |value: f64| match signed.direction {
        Direction::AtLeast => value >= signed.day90,
        Direction::AtMost => value <= signed.day90,
    };
    let Found { value, interval, n, note } = found;
    KpiResult {
        name: signed.name,
        headline: signed.headline,
        direction: signed.direction,
        needed: signed.day90,
        found: value,
        interval,
        n,
        met: value.map(holds),
        sure: interval.is_some_and(|ends| ends.into_iter().all(holds)),
        note: note.or(value.is_none().then_some("not known")).map(str::to_owned),
    }
}

fn find(
    name: Kpi,
    facts: &Day90Facts<'_>,
    (scope, saving, response): (&[Worked<'_>], Option<&Saving>, &ResponseBeside),
) -> Found {
    let tiers = facts.desk.tiers;
    match name {
        Kpi::Agreement => facts.shares.agreement.into(),
        Kpi::Verbatim => facts.shares.verbatim.into(),
        Kpi::DraftedInTime => facts.shares.drafted_in_time.into(),
        Kpi::Errors => facts.shares.errors.into(),
        Kpi::L1Autonomous => {
            let alone = facts.tickets.iter().any(|one| one.phase == Some(Phase::Autonomous));
            let note = (!alone).then_some("Firstline was never granted to act alone");
            Found { note, ..level_one(facts).of_desk.into() }
        }
        Kpi::L1Share => {
            let resolved = scope.iter().filter(|one| one.facts.resolved_at.is_some());
            Share::of(resolved.filter_map(|one| tiers.handled_by(one.facts)).map(|tier| tier == 1)).into()
        }
        Kpi::Reopened => Share::of(scope.iter().filter_map(|one| tiers.reopened(one.facts))).into(),
        Kpi::HandleTime => match saving {
            Some(of) if of.interval.is_none() => Found {
                note: Some("only an estimate, which meets no threshold"),
                n: of.n,
                ..Found::default()
            },
            Some(of) => Found { value: Some(of.change), interval: of.change_interval, n: of.n, note: None },
            None => Found::default(),
        },
        Kpi::FirstResponse => response.wall.into(),
        Kpi::Resolution => {
            let took = |one: &Worked<'_>| {
                let seconds = one.facts.resolved_at?.duration_since(one.facts.opened_at).as_secs_f64();
                let sound = (0.0..=crate::facts::LONGEST).contains(&seconds);
                sound.then(|| (kind(one.facts, facts.aliases), seconds))
            };
            let values: Values = scope.iter().filter_map(took).collect();
            let cells = facts.before.map_or(&[][..], |before| &before.resolution);
            beside(cells, &values, facts.aliases).map(|(beside, _)| beside).into()
        }
    }
}
