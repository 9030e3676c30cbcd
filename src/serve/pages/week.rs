//! `GET /week`: the manager's week, from the same figures as the API's calls and the report of day 90.
//!
//! Must compute no figure that another part computes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use firstline_pages::Place;
use firstline_pages::manage::week::{BandLine, Card, Chance, HandleLine, Head, WeekPage, week_page};
use firstline_pages::manage::{Bar, Basis, FigureView, Measure, Phase as PhaseView, Target, Unit};
use firstline_rollout::{
    AUTONOMY_FLOOR, Before, Criteria, Day90, Direction, Drafts, HandleBasis, Kpi, KpiResult,
    ShadowThresholds, Share, Week, weeks,
};
use firstline_stats::{at_least, at_most};
use firstline_store::{CustomerSet, GrantRecord, IncidentState, Store};
use firstline_ticket::Phase;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::incidents::line;
use super::told::{self, figure, share};
use super::viewer::Viewer;
use super::week_facts::WeekFacts;
use crate::api::kpis::tallies;
use crate::bands::ends;
use crate::problem::Problem;
use crate::rollout::{self, DeskRules, Status, WeekView};
use crate::shared::Shared;

/// Weeks that are looked back at.
const WEEKS: usize = 13;
/// Suspected incidents that are listed.
const SUSPECTED: usize = 50;
/// Categories whose handle time is shown.
const CATEGORIES: usize = 20;

/// The page.
pub(super) async fn page(State(shared): State<Arc<Shared>>, viewer: Viewer) -> Response {
    match told::alone(&shared, &viewer, |shared| view(shared, shared.clock.now())).await {
        Ok(view) => {
            let main = week_page(&view, viewer.look.language);
            told::page(&viewer, Place::Week, &main)
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// What the page is made of.
struct Read {
    rules: DeskRules,
    status: Status,
    /// The newest row of each week of the whole desk, in order.
    rows: Vec<WeekView>,
    report: Option<Day90>,
    criteria: Option<Criteria>,
    /// What became of drafts in each calendar week, and in all.
    counted: Vec<(Week, Drafts)>,
    total: Drafts,
    grants: Vec<GrantRecord>,
    span: (Timestamp, Timestamp),
}

fn read(shared: &Shared, now: Timestamp) -> Result<Read, Problem> {
    let (store, rules) = (shared.store.as_ref(), shared.desk()?);
    let zone = rules.zone();
    let ago = i64::try_from(WEEKS).unwrap_or(13) - 1;
    let fault = |e: jiff::Error| Problem::internal(format!("the weeks of the page: {e}"));
    let early = now.to_zoned(zone.clone()).checked_sub(ago.weeks()).map_err(fault)?.timestamp();
    let span = (Week::of(early, zone).map_err(fault)?.start, now);
    let by_week = tallies(shared, weeks(span.0, span.1, zone).map_err(fault)?, span, &CustomerSet::All)?;
    let mut newest: BTreeMap<Date, WeekView> = BTreeMap::new();
    for row in rollout::weeks(store, zone, WEEKS)? {
        // Of a week, the settled row comes last.
        if row.scope == "all" && row.customer.is_none() {
            newest.insert(row.monday, row);
        }
    }
    let list = rollout::criteria(store, now)?;
    let in_force = list.versions.iter().find(|one| Some(one.version) == list.in_force);
    Ok(Read {
        status: rollout::status(store, &rules.hours, shared.settings.phase, now)?,
        rows: newest.into_values().collect(),
        report: rollout::report_day90(store, &rules, now)?,
        criteria: in_force.map(|one| Criteria::parse(&one.text, "the criteria in force")).transpose()?,
        total: by_week.total().kpis().drafts,
        counted: by_week.weeks().into_iter().map(|(week, tally)| (week, tally.kpis().drafts)).collect(),
        grants: store.grants(true)?,
        span,
        rules,
    })
}

fn view(shared: &Shared, now: Timestamp) -> Result<WeekPage, Problem> {
    let (store, read) = (shared.store.as_ref(), read(shared, now)?);
    let mut facts = WeekFacts::new(&read.grants, AUTONOMY_FLOOR);
    store.facts(read.span.0, read.span.1, &CustomerSet::All, &mut |row| {
        facts.add(&row);
        Ok(())
    })?;
    let zone = read.rules.zone();
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date().to_string();
    let suspected =
        store.incident_list(Some(IncidentState::Suspected), &CustomerSet::All, None, SUSPECTED)?;
    let mut incidents: Vec<_> =
        suspected.items.into_iter().map(|one| line(one, &read.rules.hours, zone, now)).collect();
    incidents.reverse();
    let handle = handle(store, &read)?;
    Ok(WeekPage {
        head: head(&read),
        signed: read.signed(),
        weekly: read.weekly(),
        drafts: read.drafts(),
        categories: facts.categories(),
        bands: bands(shared, store, now),
        confusions: facts.confusions(),
        rules: facts.rules(),
        handle,
        handle_basis: read.basis("minutes_per_ticket"),
        unseen: figure(&read.status.agreement),
        kept: figure(&read.status.left_as_seen),
        incidents,
        span: format!("{} – {} ({})", day(read.span.0), day(read.span.1), told::zone_name(zone)),
    })
}

fn head(read: &Read) -> Option<Head> {
    let programme = read.status.programme.as_ref()?;
    let granted =
        read.grants.iter().filter(|grant| grant.scope.board.is_some() && grant.phase >= Phase::Assist);
    let categories = granted.count();
    let fired = |hold: &&rollout::HoldView| {
        hold.figures.as_ref().is_some_and(|figures| figures["trigger"].is_string())
    };
    Some(Head {
        week: programme.week,
        phase: PhaseView::named(&read.status.phase).unwrap_or(PhaseView::Baseline),
        customers: programme.pilots.len(),
        categories: (categories > 0).then_some(categories),
        triggers: read.status.holds.iter().filter(fired).count(),
    })
}

/// How often decisions were right by how sure they were, as the review page tells it too.
fn bands(shared: &Shared, store: &dyn Store, now: Timestamp) -> Vec<BandLine> {
    let (mut counts, is_mine) = shared.bands.counts();
    if is_mine {
        shared.bands.count(store, now);
        counts = shared.bands.counts().0;
    }
    let line = |((field, band), (right, n)): (&(firstline_ticket::Field, usize), &(u64, u64))| {
        let (from, to) = ends(*band);
        BandLine { field: field.name().to_owned(), from, to, right: share(&Share::new(*right, *n)) }
    };
    counts.iter().map(line).collect()
}

/// Handle time of the newest week's categories, beside that of before.
fn handle(store: &dyn Store, read: &Read) -> Result<Vec<HandleLine>, Problem> {
    let Some(row) = read.rows.last() else { return Ok(Vec::new()) };
    let before = rollout::baseline_on_record(store, read.rules.zone())?.and_then(|of| of.before);
    let figure_of =
        |of: &BTreeMap<String, rollout::Figure>| of.get("handle_mean").map(figure).unwrap_or_default();
    let mut lines: Vec<HandleLine> = row
        .sheet
        .by_category
        .iter()
        .map(|(category, figures)| HandleLine {
            before: before.as_ref().map(|before| handled(before, category)).unwrap_or_default(),
            now: figure_of(figures),
            category: category.clone(),
        })
        .filter(|line| line.now.value.is_some() || line.before.value.is_some())
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.now.n));
    lines.truncate(CATEGORIES);
    Ok(lines)
}

/// Mean work on a ticket of a category before it began, over its priorities.
pub(super) fn handled(before: &Before, category: &str) -> FigureView {
    let cells = HandleBasis::LOGGED.iter().find_map(|basis| before.handle.get(basis));
    let of = cells.into_iter().flatten().filter(|cell| {
        let named = [&cell.board, &cell.r#type].map(|part| part.as_deref().unwrap_or_default());
        named.join(" > ") == category
    });
    let (n, sum) = of.fold((0, 0.0), |(n, sum), cell| {
        (n + cell.moments.n, sum + cell.moments.mean * cell.moments.n as f64)
    });
    FigureView { value: (n > 0).then(|| sum / n as f64), n, ..FigureView::default() }
}

/// The name of a KPI's figure in a week's row; `None` of one that is told over the whole programme alone.
fn in_weeks(kpi: Kpi) -> Option<&'static str> {
    match kpi {
        Kpi::Agreement => Some("agreement"),
        Kpi::L1Autonomous => Some("l1_autonomous"),
        Kpi::L1Share => Some("level_one"),
        Kpi::Reopened => Some("reopened"),
        Kpi::DraftedInTime => Some("drafted_in_time"),
        Kpi::Errors => Some("errors"),
        Kpi::HandleTime | Kpi::FirstResponse | Kpi::Resolution | Kpi::Verbatim => None,
    }
}

/// A measure of drafts, and the share that it is.
type OfDrafts = (Measure, fn(&Drafts) -> Share);

impl Read {
    /// The three that were signed, over the programme so far.
    fn signed(&self) -> Vec<Card> {
        let results = self.report.iter().flat_map(|report| &report.kpis).filter(|one| one.headline);
        results.filter_map(|one| self.signed_card(one)).collect()
    }

    fn signed_card(&self, one: &KpiResult) -> Option<Card> {
        let measure = Measure::named(one.name.name())?;
        let [low, high] = one.interval.map_or([None; 2], |ends| ends.map(Some));
        let figure = FigureView { value: one.found, low, high, count: None, n: one.n };
        let target = Target { at_least: one.direction == Direction::AtLeast, value: one.needed };
        let bars = match one.name {
            Kpi::Verbatim => Some(self.counted(|of| of.verbatim)),
            name => in_weeks(name).map(|name| self.bars(name)),
        };
        Some(Card {
            measure,
            chance: chance(measure, &figure, Some(target)),
            figure,
            target: Some(target),
            trigger: self.trigger(measure),
            bars,
            note: one.note.clone().filter(|note| note != "not known"),
        })
    }

    /// The four of every week: of the newest one on record.
    fn weekly(&self) -> Vec<Card> {
        let all = [
            (Measure::L1Autonomous, "l1_autonomous"),
            (Measure::Agreement, "agreement"),
            (Measure::ResponseMedian, "first_response_median"),
            (Measure::ResponseP95, "first_response_p95"),
            (Measure::Errors, "errors"),
        ];
        if self.rows.is_empty() {
            return Vec::new();
        }
        all.into_iter().map(|(measure, name)| self.card(measure, name)).collect()
    }

    fn card(&self, measure: Measure, name: &str) -> Card {
        let bars = self.bars(name);
        let figure = bars.last().map(|bar| bar.figure).unwrap_or_default();
        let target = self.target(measure);
        Card {
            measure,
            chance: chance(measure, &figure, target),
            figure,
            target,
            trigger: self.trigger(measure),
            bars: Some(bars),
            note: None,
        }
    }

    fn drafts(&self) -> Vec<Card> {
        let mut cards = Vec::new();
        if !self.rows.is_empty() {
            let mut card = self.card(Measure::DraftedInTime, "drafted_in_time");
            card.target =
                card.target.or(Some(Target { at_least: true, value: ShadowThresholds::default().drafted }));
            card.chance = chance(card.measure, &card.figure, card.target);
            cards.push(card);
        }
        let all: [OfDrafts; 3] = [
            (Measure::Verbatim, |of| of.verbatim),
            (Measure::Edited, |of| of.edited),
            (Measure::Rejected, |of| of.rejected),
        ];
        cards.extend(all.into_iter().filter(|(_, of)| of(&self.total).of > 0).map(|(measure, of_week)| {
            let (figure, target) = (share(&of_week(&self.total)), self.target(measure));
            Card {
                measure,
                chance: chance(measure, &figure, target),
                figure,
                target,
                trigger: None,
                bars: Some(self.counted(of_week)),
                note: None,
            }
        }));
        cards
    }

    /// What was signed of a measure.
    fn target(&self, measure: Measure) -> Option<Target> {
        let signed = self.criteria.as_ref()?.kpi.iter().find(|kpi| kpi.name.name() == measure.name())?;
        Some(Target { at_least: signed.direction == Direction::AtLeast, value: signed.day90 })
    }

    /// From where on a trigger fires.
    fn trigger(&self, measure: Measure) -> Option<Target> {
        let rollback = self.criteria.as_ref()?.rollback;
        match measure {
            Measure::Errors => Some(Target { at_least: false, value: rollback.errors }),
            Measure::Agreement => Some(Target { at_least: true, value: rollback.agreement }),
            _ => None,
        }
    }

    /// A figure of the weeks on record.
    fn bars(&self, name: &str) -> Vec<Bar> {
        let fired = |iso: &str| {
            let weeks = self.report.iter().flat_map(|report| &report.weeks);
            weeks.filter(|week| week.iso == iso).flat_map(|week| week.triggers.clone()).collect()
        };
        let bar = |row: &WeekView| Bar {
            week: row.sheet.number,
            iso: row.week.clone(),
            figure: row.sheet.figures.get(name).map(figure).unwrap_or_default(),
            settled: row.settled,
            notes: fired(&row.week),
        };
        self.rows.iter().map(bar).collect()
    }

    /// A share of the calendar weeks, as known now.
    fn counted(&self, of: impl Fn(&Drafts) -> Share) -> Vec<Bar> {
        let number =
            |iso: &str| self.rows.iter().find(|row| row.week == iso).map_or(0, |row| row.sheet.number);
        let bar = |(week, drafts): &(Week, Drafts)| Bar {
            week: number(&week.to_string()),
            iso: week.to_string(),
            figure: share(&of(drafts)),
            settled: self.rows.iter().any(|row| row.week == week.to_string() && row.settled),
            notes: Vec::new(),
        };
        self.counted.iter().map(bar).collect()
    }

    fn basis(&self, name: &str) -> Option<Basis> {
        Basis::named(self.rows.last()?.sheet.basis.get(name)?)
    }
}

/// How often chance alone gives so many or so few. Errors are held against half of what is allowed, everything else against its target.
fn chance(measure: Measure, of: &FigureView, target: Option<Target>) -> Option<Chance> {
    let (value, n) = (of.value?, usize::try_from(of.n).ok().filter(|n| *n > 0)?);
    if measure.unit() != Unit::Share {
        return None;
    }
    // A figure over the whole programme has no count of its own.
    let count = of.count.unwrap_or((value * of.n as f64).round() as u64);
    let hits = usize::try_from(count).ok()?.min(n);
    let (rate, few) = match (measure, target) {
        (Measure::Errors, _) => (ERROR_RATE, false),
        (_, Some(target)) => (target.value, value < target.value),
        (_, None) => return None,
    };
    let probability = if few { at_most(hits, n, rate) } else { at_least(hits, n, rate) };
    Some(Chance { count, n: of.n, rate, probability, few })
}

/// The true rate of errors that a good desk may have.
const ERROR_RATE: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u64, n: u64) -> FigureView {
        share(&Share::new(count, n))
    }

    #[test]
    fn one_error_in_23_sends_happens_in_a_fifth_of_good_weeks() {
        let found = chance(Measure::Errors, &of(1, 23), None).unwrap();
        assert!((found.probability - (1.0 - 0.99_f64.powi(23))).abs() < 1e-12, "{found:?}");
        assert!((found.probability - 0.206_4).abs() < 1e-4 && !found.few);
        // Of two or more: less the share of exactly one.
        let two = chance(Measure::Errors, &of(2, 50), None).unwrap().probability;
        assert!((two - (1.0 - 0.99_f64.powi(50) - 50.0 * 0.01 * 0.99_f64.powi(49))).abs() < 1e-12);
    }

    #[test]
    fn what_is_short_of_its_target_is_held_against_it_from_below() {
        let target = Some(Target { at_least: true, value: 0.85 });
        let short = chance(Measure::Agreement, &of(7, 10), target).unwrap();
        // scipy.stats.binom.cdf(7, 10, 0.85)
        assert!(short.few && (short.probability - 0.179_804).abs() < 1e-6, "{short:?}");
        assert!(!chance(Measure::Agreement, &of(9, 10), target).unwrap().few);
        assert_eq!(chance(Measure::Verbatim, &of(9, 10), None), None);
        assert_eq!(chance(Measure::Agreement, &of(0, 0), target), None);
        let median = FigureView { value: Some(600.0), n: 40, ..FigureView::default() };
        assert_eq!(chance(Measure::ResponseMedian, &median, target), None);
    }
}
