//! The baseline: where the desk stood before it began, its largest categories, and which customers would make good pilots.
//!
//! Plain values in, markup out. What the store does not keep is said, with the command that prints it.

use maud::{Markup, html};

use super::parts::{FigureView, Unit, decimal, hash, or_dash, table, value};
use super::words::{self, Words};
use crate::numbers::DASH;
use crate::table::Column;
use crate::text::{label, note};
use crate::words::{Language, filled};

/// The page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineView {
    /// What went on record when the programme started; `None` before.
    pub stored: Option<Stored>,
    /// The largest categories before it began; empty where that is not on record.
    pub categories: Vec<CategoryBefore>,
    /// Customers, the best pilot first.
    pub pilots: Vec<PilotLine>,
    /// The days that pilots are ranked by, in words.
    pub ranked_over: String,
}

/// A baseline on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its time, in words: two dates and the zone.
    pub span: String,
    /// Days of history.
    pub days: i64,
    /// Its sha256 in the audit log.
    pub sha256: String,
    /// Segments: people's tickets, and alerts.
    pub segments: Vec<Segment>,
    /// Tickets that are in neither, by reason.
    pub left_out: Vec<(String, u64)>,
}

/// The figures of a segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// Whether it is people's tickets; alerts where false.
    pub people: bool,
    /// Tickets.
    pub tickets: u64,
    /// Seconds to the first response: median.
    pub response: FigureView,
    /// Seconds to the resolution: mean.
    pub resolution: FigureView,
    /// Resolved by first level.
    pub level_one: FigureView,
    /// Opened again.
    pub reopened: FigureView,
    /// Handed from one technician to another.
    pub handed_off: FigureView,
}

/// A category before it began.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryBefore {
    /// Board and type.
    pub category: String,
    /// Resolved tickets.
    pub tickets: u64,
    /// Mean seconds of work.
    pub handle: FigureView,
    /// Minutes a week that could be saved; `None` where nobody knows.
    pub potential: Option<f64>,
}

/// A customer as a pilot.
#[derive(Debug, Clone, PartialEq)]
pub struct PilotLine {
    /// The customer.
    pub customer: String,
    /// 0 to 100.
    pub score: f64,
    /// Tickets a week.
    pub per_week: f64,
    /// Volume, complexity, cooperation, hygiene, potential: 0 to 1 each, `None` where it is not known.
    pub parts: [Option<f64>; 5],
    /// Whether it is a pilot.
    pub is_pilot: bool,
    /// Why it can be none.
    pub excluded: Option<String>,
}

/// The page: what stands between the landmarks.
pub fn baseline_page(view: &BaselineView, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.baseline_title) }
        @match &view.stored {
            None => p.empty { (words.no_baseline) " " code { "firstline rollout baseline" } },
            Some(stored) => (segments(stored, words, language)),
        }
        (categories(&view.categories, words, language))
        (pilots(view, words, language))
        @for (title, about, command) in [
            (words.h_snapshot, words.snapshot_about, "firstline rollout rules snapshot"),
            (words.h_audit, words.audit_about, "firstline audit-labels"),
        ] {
            section { h2 { (title) } p.empty { (about) " " code { (command) } } }
        }
    }
}

fn segments(stored: &Stored, words: &'static Words, language: Language) -> Markup {
    let row = |one: &Segment| {
        [
            html! { (if one.people { words.people_tickets } else { words.alerts }) },
            html! { (one.tickets) },
            one.response.cell(Unit::Seconds, words, language),
            one.resolution.cell(Unit::Seconds, words, language),
            one.level_one.cell(Unit::Share, words, language),
            one.reopened.cell(Unit::Share, words, language),
            one.handed_off.cell(Unit::Share, words, language),
        ]
    };
    let columns = [
        Column::head(words.segment),
        Column::number(words.tickets),
        Column::text(words.m_response_median),
        Column::text(words.resolution_mean),
        Column::text(words.m_l1_share),
        Column::text(words.m_reopened),
        Column::text(words.handed_off),
    ];
    html! {
        section {
            h2 { (words.h_segments) }
            p { (filled(words.baseline_span, &[("span", &stored.span), ("days", &stored.days.to_string())])) }
            (table(columns, words.h_segments, stored.segments.iter().map(row)))
            @if !stored.left_out.is_empty() {
                p.small { (words.left_out) ": "
                    @for (i, (why, n)) in stored.left_out.iter().enumerate() { @if i > 0 { ", " } (label(why)) " " (n) } }
            }
            p.small { "sha256 " (hash(&stored.sha256)) }
        }
    }
}

fn categories(lines: &[CategoryBefore], words: &'static Words, language: Language) -> Markup {
    let row = |one: &CategoryBefore| {
        let potential =
            one.potential.map_or_else(|| words.not_known.to_owned(), |of| value(of, Unit::Minutes, language));
        [
            label(&one.category),
            html! { (one.tickets) },
            one.handle.cell(Unit::Seconds, words, language),
            html! { (potential) },
        ]
    };
    let columns = [
        Column::head(words.category),
        Column::number(words.tickets),
        Column::text(words.handle_mean),
        Column::text(words.potential),
    ];
    html! {
        section {
            h2 { (words.h_top) }
            p.small { (words.top_about) }
            @if lines.is_empty() { p.empty { (words.no_top) } } @else {
                (table(columns, words.h_top, lines.iter().map(row)))
            }
        }
    }
}

fn pilots(view: &BaselineView, words: &'static Words, language: Language) -> Markup {
    let part = |of: Option<f64>| html! { @match of { Some(of) => (decimal(100.0 * of, 0, language)), None => (DASH) } };
    let row = |one: &PilotLine| {
        let [volume, complexity, cooperation, hygiene, potential] = one.parts.map(part);
        [
            label(&one.customer),
            html! { (decimal(one.score, 0, language)) },
            html! { (decimal(one.per_week, 1, language)) },
            volume,
            complexity,
            cooperation,
            hygiene,
            potential,
            html! { @match (&one.excluded, one.is_pilot) {
                (_, true) => { "✓ " (words.is_pilot) }
                (Some(why), false) => { "✗ " (note(why)) }
                (None, false) => (or_dash(None)),
            } },
        ]
    };
    let columns = [
        Column::head(words.customer),
        Column::number(words.score),
        Column::number(words.per_week),
        Column::number(words.part_volume),
        Column::number(words.part_complexity),
        Column::number(words.part_cooperation),
        Column::number(words.part_hygiene),
        Column::number(words.part_potential),
        Column::text(words.standing),
    ];
    html! {
        section {
            h2 { (words.h_pilots) }
            p.small { (filled(words.pilots_about, &[("span", &view.ranked_over)])) }
            @if view.pilots.is_empty() { p.empty { (words.no_pilots) } } @else {
                (table(columns, words.h_pilots, view.pilots.iter().map(row)))
            }
        }
    }
}
