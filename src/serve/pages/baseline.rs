//! `GET /baseline`: what went on record when the programme started, and customers as pilots by their tickets since.
//!
//! What the store does not keep is not shown: the rule snapshot and the label audit are files.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use firstline_pages::Place;
use firstline_pages::manage::FigureView;
use firstline_pages::manage::baseline::{
    BaselineView, CategoryBefore, PilotLine, Segment, Stored, baseline_page,
};
use firstline_rollout::{Before, Part};
use firstline_ticket::customer_key;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::told;
use super::viewer::Viewer;
use super::week::handled;
use crate::problem::Problem;
use crate::rollout::{self, BaselineOnRecord, RANKED_DAYS};
use crate::shared::Shared;

/// Categories that are shown,
const TOP: usize = 10;
/// and customers.
const CUSTOMERS: usize = 40;

/// The page.
pub(super) async fn page(State(shared): State<Arc<Shared>>, viewer: Viewer) -> Response {
    match told::alone(&shared, &viewer, |shared| view(shared, shared.clock.now())).await {
        Ok(view) => {
            let main = baseline_page(&view, viewer.look.language);
            told::page(&viewer, Place::Baseline, &main)
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

fn view(shared: &Shared, now: Timestamp) -> Result<BaselineView, Problem> {
    let (store, rules) = (shared.store.as_ref(), shared.desk()?);
    let zone = rules.zone();
    let found = rollout::baseline_on_record(store, zone)?;
    let pilots = store.programme()?.map(|programme| programme.pilots).unwrap_or_default();
    let part = |of: &BTreeMap<Part, Option<f64>>, name: Part| of.get(&name).copied().flatten();
    let ranked =
        rollout::pilot_ranking(store, &rules, now)?.into_iter().take(CUSTOMERS).map(|one| PilotLine {
            parts: [Part::Volume, Part::MidComplexity, Part::Cooperation, Part::Hygiene, Part::Potential]
                .map(|name| part(&one.parts, name)),
            is_pilot: pilots.contains(&customer_key(&one.customer)),
            excluded: one.excluded.map(|why| why.in_words().to_owned()),
            score: one.score,
            per_week: one.per_week,
            customer: one.customer,
        });
    let early = now - jiff::SignedDuration::from_hours(24 * RANKED_DAYS);
    Ok(BaselineView {
        pilots: ranked.collect(),
        ranked_over: span((early, now), zone),
        categories: found.as_ref().and_then(|of| of.before.as_ref()).map(categories).unwrap_or_default(),
        stored: found.map(|of| stored(of, zone)),
    })
}

/// Two dates and the zone.
fn span((from, to): (Timestamp, Timestamp), zone: &TimeZone) -> String {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    format!("{} – {} ({})", day(from), day(to), told::zone_name(zone))
}

fn stored(of: BaselineOnRecord, zone: &TimeZone) -> Stored {
    let left_out = of.left_out.as_object().into_iter().flatten();
    let left_out =
        left_out.filter_map(|(why, n)| Some((why.replace('_', " "), n.as_u64().filter(|n| *n > 0)?)));
    Stored {
        span: span((of.from, of.to), zone),
        days: of.days,
        segments: vec![segment(true, &of.people), segment(false, &of.alerts)],
        left_out: left_out.collect(),
        sha256: of.sha256,
    }
}

fn segment(people: bool, of: &Value) -> Segment {
    Segment {
        people,
        tickets: of["tickets"].as_u64().unwrap_or_default(),
        response: times(&of["first_response"], "p50"),
        resolution: times(&of["resolution"], "mean"),
        level_one: share(&of["level_one"]),
        reopened: share(&of["reopened"]),
        handed_off: share(&of["handed_off"]),
    }
}

/// A figure of times on record, with its interval.
fn times(of: &Value, name: &str) -> FigureView {
    let ends = &of[format!("{name}_interval")];
    let n = of["n"].as_u64().unwrap_or_default();
    FigureView { value: of[name].as_f64(), low: ends[0].as_f64(), high: ends[1].as_f64(), count: None, n }
}

/// A share on record.
fn share(of: &Value) -> FigureView {
    FigureView {
        value: of["share"].as_f64(),
        low: of["low"].as_f64(),
        high: of["high"].as_f64(),
        count: of["count"].as_u64(),
        n: of["of"].as_u64().unwrap_or_default(),
    }
}

/// The categories with most resolved tickets, over their priorities. What could be saved takes a bundle that was measured.
fn categories(before: &Before) -> Vec<CategoryBefore> {
    let mut tickets: BTreeMap<String, u64> = BTreeMap::new();
    for cell in &before.resolution {
        if let (Some(board), Some(kind)) = (&cell.board, &cell.r#type) {
            *tickets.entry(format!("{board} > {kind}")).or_default() += cell.moments.n;
        }
    }
    let mut lines: Vec<(String, u64)> = tickets.into_iter().collect();
    lines.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let line = |(category, tickets): (String, u64)| {
        let handle = handled(before, &category);
        CategoryBefore { category, tickets, handle, potential: None }
    };
    lines.into_iter().take(TOP).map(line).collect()
}

#[cfg(test)]
mod tests {
    use firstline_rollout::{Cell, HandleBasis};
    use firstline_stats::Moments;
    use serde_json::json;

    use super::*;

    fn cell(kind: &str, priority: &str, n: u64, mean: f64) -> Cell {
        Cell {
            board: Some("Desk".to_owned()),
            r#type: Some(kind.to_owned()),
            priority: Some(priority.to_owned()),
            moments: Moments { n, mean, deviation: 0.0 },
            ranks: Vec::new(),
        }
    }

    #[test]
    fn a_category_is_told_over_its_priorities() {
        let before = Before {
            resolution: vec![
                cell("Mail", "P1", 10, 1.0),
                cell("Mail", "P2", 30, 1.0),
                cell("VPN", "P2", 50, 1.0),
            ],
            handle: [(
                HandleBasis::Reported,
                vec![cell("Mail", "P1", 10, 600.0), cell("Mail", "P2", 30, 1_000.0)],
            )]
            .into(),
            ..Before::default()
        };
        let lines = categories(&before);
        let names: Vec<(&str, u64)> =
            lines.iter().map(|line| (line.category.as_str(), line.tickets)).collect();
        assert_eq!(names, [("Desk > VPN", 50), ("Desk > Mail", 40)]);
        assert_eq!((lines[1].handle.value, lines[1].handle.n), (Some(900.0), 40));
        assert_eq!(lines[0].handle.value, None, "nobody logged time");
    }

    #[test]
    fn what_is_not_in_a_baseline_is_not_known() {
        let of = segment(
            true,
            &json!({"tickets": 7, "first_response": {"n": 5, "p50": 60.0, "p50_interval": [50.0, 70.0]}}),
        );
        assert_eq!(
            (of.tickets, of.response.value, of.response.high, of.response.n),
            (7, Some(60.0), Some(70.0), 5)
        );
        assert_eq!((of.resolution.value, of.level_one.value), (None, None));
    }
}
