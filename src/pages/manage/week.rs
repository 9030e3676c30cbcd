//! The manager's week: the signed KPIs, the weekly ones, and what stands behind them.
//!
//! Plain values in, markup out. What nobody knows is said to be not known.

use maud::{Markup, html};

use super::bars::{Bar, bars};
use super::incidents::{IncidentLine, suspected};
use super::parts::{Basis, FigureView, Measure, Phase, Target, Unit, decimal, percent, table, value};
use super::words::{self, Words};
use crate::table::Column;
use crate::text::{label, note};
use crate::words::{Language, filled};

/// The page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeekPage {
    /// Where the programme stands; `None` before it has started.
    pub head: Option<Head>,
    /// The three KPIs that were signed.
    pub signed: Vec<Card>,
    /// The KPIs of every week.
    pub weekly: Vec<Card>,
    /// What became of drafts.
    pub drafts: Vec<Card>,
    /// Categories, the largest first.
    pub categories: Vec<CategoryLine>,
    /// How often decisions were right, by how sure they were.
    pub bands: Vec<BandLine>,
    /// What was mistaken for what, the most frequent first.
    pub confusions: Vec<ConfusionLine>,
    /// The routing rules beside the model; `None` where nobody knows.
    pub rules: Option<RulesView>,
    /// Handle time by category.
    pub handle: Vec<HandleLine>,
    /// How handle times are known.
    pub handle_basis: Option<Basis>,
    /// Agreement of tickets that nobody saw decided.
    pub unseen: FigureView,
    /// What people who saw a decision left as it was.
    pub kept: FigureView,
    /// Incidents that a person has yet to decide about.
    pub incidents: Vec<IncidentLine>,
    /// The time that is looked at, in words: two dates and the zone.
    pub span: String,
}

/// Where the programme stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its week, 1 for the first whole one; 0 before that.
    pub week: u32,
    /// How far Firstline may go.
    pub phase: Phase,
    /// The pilot customers.
    pub customers: usize,
    /// Categories that are granted; `None`: all those of the pilots.
    pub categories: Option<usize>,
    /// Triggers whose hold is in force.
    pub triggers: usize,
}

/// A figure with its weeks.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// What is measured.
    pub measure: Measure,
    /// The figure.
    pub figure: FigureView,
    /// What was signed.
    pub target: Option<Target>,
    /// From where on a trigger fires.
    pub trigger: Option<Target>,
    /// The last weeks, oldest first; `None` of what is told over the whole programme alone.
    pub bars: Option<Vec<Bar>>,
    /// What chance does.
    pub chance: Option<Chance>,
    /// What to mind, or why nobody knows.
    pub note: Option<String>,
}

/// How often chance alone gives such a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// Those that count,
    pub count: u64,
    /// of so many.
    pub n: u64,
    /// The true rate that is supposed.
    pub rate: f64,
    /// The probability of so many or more at that rate; of so few or fewer where `few` is set.
    pub probability: f64,
    /// Whether few are what is remarkable.
    pub few: bool,
}

/// A category: how much of it is decided surely, and how often that is right.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryLine {
    /// Board and type.
    pub category: String,
    /// Tickets decided to be of it.
    pub tickets: u64,
    /// From which score on it counts as sure.
    pub threshold: f64,
    /// Whether that is a certified threshold; otherwise it is the floor.
    pub certified: bool,
    /// Tickets at the threshold or above.
    pub coverage: FigureView,
    /// Of those, the ones that were right.
    pub precision: FigureView,
}

/// A band of confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct BandLine {
    /// The field.
    pub field: String,
    /// Where the band begins and ends.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// Those that were right.
    pub right: FigureView,
}

/// What was mistaken for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionLine {
    /// The field.
    pub field: String,
    /// What was decided.
    pub decided: String,
    /// What people ended with.
    pub ended: String,
    /// How often.
    pub n: u64,
}

/// The routing rules beside the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RulesView {
    /// The rules' board was right.
    pub rules: FigureView,
    /// The model's was.
    pub model: FigureView,
}

/// Handle time of a category.
#[derive(Debug, Clone, PartialEq)]
pub struct HandleLine {
    /// Board and type.
    pub category: String,
    /// Seconds before it began; not known where the baseline has none.
    pub before: FigureView,
    /// Seconds in the newest week on record.
    pub now: FigureView,
}

/// The page: what stands between the landmarks.
pub fn week_page(view: &WeekPage, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.week_title) }
        @match &view.head {
            None => { p.headline { (words.no_programme) } p { a.button href="/rollout" { (words.to_rollout) } } }
            Some(head) => p.headline { (headline(head, words)) },
        }
        @for (title, about, cards) in [
            (words.signed_kpis, words.signed_about, &view.signed),
            (words.weekly_kpis, words.weekly_about, &view.weekly),
            (words.of_drafts, words.drafts_about, &view.drafts),
        ] {
            section {
                h2 { (title) }
                p.small { (about) }
                @if cards.is_empty() { p.empty { (words.no_cards) } }
                div.cards { @for one in cards { (card(one, words, language)) } }
            }
        }
        (suspected(&view.incidents, words))
        section {
            h2 { (words.behind) }
            p.small { (filled(words.span, &[("span", &view.span)])) }
            (categories(&view.categories, words, language))
            (bands(&view.bands, words, language))
            (confusions(&view.confusions, words))
            (rules(view.rules.as_ref(), words, language))
            (handle(view, words, language))
            (blind(view, words, language))
        }
    }
}

fn headline(head: &Head, words: &'static Words) -> String {
    let of =
        |n: usize, one: &str, many: &str| filled(if n == 1 { one } else { many }, &[("n", &n.to_string())]);
    let customers = of(head.customers, words.customer_one, words.customers);
    let categories = match head.categories {
        None => words.all_categories.to_owned(),
        Some(n) => of(n, words.category_one, words.categories),
    };
    let triggers = match head.triggers {
        0 => words.no_triggers.to_owned(),
        n => of(n, words.trigger_one, words.triggers),
    };
    let week = match head.week {
        0 => words.before_week.to_owned(),
        n => filled(words.week_number, &[("n", &n.to_string())]),
    };
    format!("{week}, {}, {customers}, {categories}. {triggers}", head.phase.word(words))
}

fn card(one: &Card, words: &'static Words, language: Language) -> Markup {
    let unit = one.measure.unit();
    let title = one.measure.question(words);
    html! {
        article.card {
            h3 { (title) }
            p.value { (one.figure.show(unit, words, language)) }
            @if one.figure.value.is_some() {
                p.small { (one.figure.over(words)) ". " (one.figure.interval(unit, words, language)) "." }
            }
            @if let Some(target) = &one.target { (standing(one.figure.value, target, unit, words, language)) }
            @if let Some(about) = &one.note { p.small lang="en" { (note(about)) } }
            @match &one.bars {
                Some(weeks) => (bars((title, one.measure.word(words)), weeks, (one.target, one.trigger), unit, (words, language))),
                None => p.small { (words.no_weekly) },
            }
            p.small { (chance(one, words, language)) }
        }
    }
}

/// The target, and whether it is met: in words and with a sign.
fn standing(
    found: Option<f64>,
    target: &Target,
    unit: Unit,
    words: &'static Words,
    language: Language,
) -> Markup {
    let needed = value(target.value, unit, language);
    let told = filled(if target.at_least { words.at_least } else { words.at_most }, &[("value", &needed)]);
    let is_met =
        found.map(|found| if target.at_least { found >= target.value } else { found <= target.value });
    html! {
        p { (told) ": "
            @match is_met {
                Some(true) => strong.met { "✓ " (words.met) },
                Some(false) => strong.missed { "✗ " (words.missed) },
                None => strong { "? " (words.not_known) },
            }
        }
    }
}

/// What chance does, in a sentence.
fn chance(card: &Card, words: &'static Words, language: Language) -> String {
    let Some(of) = &card.chance else {
        let known = card.figure.value.is_some() && card.figure.low.is_some();
        return (if known { words.chance_interval } else { words.chance_unknown }).to_owned();
    };
    let word = match (card.measure, of.few, of.count) {
        (Measure::Errors, false, 1) => words.chance_error,
        (Measure::Errors, false, _) => words.chance_errors,
        (_, false, _) => words.chance_many,
        (_, true, _) => words.chance_few,
    };
    let rate = percent_short(of.rate, language);
    let share = percent_short(of.probability, language);
    let (count, n) = (of.count.to_string(), of.n.to_string());
    filled(word, &[("count", &count), ("n", &n), ("rate", &rate), ("share", &share)])
}

/// A share without decimals that say nothing.
fn percent_short(share: f64, language: Language) -> String {
    let percent = 100.0 * share;
    let digits = usize::from((percent - percent.round()).abs() > 0.05 && percent < 10.0);
    match percent {
        tiny if tiny > 0.0 && tiny < 0.1 => format!("< {}\u{a0}%", decimal(0.1, 1, language)),
        _ => format!("{}\u{a0}%", decimal(percent, digits, language)),
    }
}

fn categories(lines: &[CategoryLine], words: &'static Words, language: Language) -> Markup {
    let row = |one: &CategoryLine| {
        let about = if one.certified { words.certified } else { words.floor };
        [
            label(&one.category),
            html! { (one.tickets) },
            html! { (decimal(one.threshold, 2, language)) " " span.small { (about) } },
            one.coverage.cell(Unit::Share, words, language),
            one.precision.cell(Unit::Share, words, language),
        ]
    };
    let columns = [
        Column::head(words.category),
        Column::number(words.tickets),
        Column::text(words.threshold),
        Column::text(words.coverage),
        Column::text(words.precision),
    ];
    part(words.h_categories, words.categories_about, lines.is_empty(), words.none_decided, || {
        table(columns, words.h_categories, lines.iter().map(row))
    })
}

fn bands(lines: &[BandLine], words: &'static Words, language: Language) -> Markup {
    let row = |one: &BandLine| {
        [
            label(&one.field),
            html! { (percent(one.from, language)) " – " (percent(one.to, language)) },
            one.right.cell(Unit::Share, words, language),
        ]
    };
    let columns = [Column::head(words.field), Column::text(words.confidence), Column::text(words.were_right)];
    part(words.h_bands, words.bands_about, lines.is_empty(), words.none_reported, || {
        table(columns, words.h_bands, lines.iter().map(row))
    })
}

fn confusions(lines: &[ConfusionLine], words: &'static Words) -> Markup {
    let row =
        |one: &ConfusionLine| [label(&one.field), label(&one.decided), label(&one.ended), html! { (one.n) }];
    let columns = [
        Column::head(words.field),
        Column::text(words.decided),
        Column::text(words.ended),
        Column::number(words.tickets),
    ];
    part(words.h_confusions, words.confusions_about, lines.is_empty(), words.none_confused, || {
        table(columns, words.h_confusions, lines.iter().map(row))
    })
}

fn rules(view: Option<&RulesView>, words: &'static Words, language: Language) -> Markup {
    part(words.h_rules, words.rules_about, view.is_none(), words.rules_unknown, || {
        let rows = view.into_iter().flat_map(|of| [(words.of_rules, of.rules), (words.of_model, of.model)]);
        let columns = [Column::head(words.who), Column::text(words.were_right)];
        table(
            columns,
            words.h_rules,
            rows.map(|(name, figure)| [html! { (name) }, figure.cell(Unit::Share, words, language)]),
        )
    })
}

fn handle(view: &WeekPage, words: &'static Words, language: Language) -> Markup {
    let basis = view.handle_basis.map_or(words.not_known, |basis| basis.word(words));
    let about = filled(words.handle_about, &[("basis", basis)]);
    let row = |one: &HandleLine| {
        [
            label(&one.category),
            one.before.cell(Unit::Seconds, words, language),
            one.now.cell(Unit::Seconds, words, language),
        ]
    };
    let columns = [Column::head(words.category), Column::text(words.before), Column::text(words.newest_week)];
    part(words.h_handle, &about, view.handle.is_empty(), words.no_handle, || {
        table(columns, words.h_handle, view.handle.iter().map(row))
    })
}

fn blind(view: &WeekPage, words: &'static Words, language: Language) -> Markup {
    let rows = [(words.of_unseen, view.unseen), (words.of_kept, view.kept)];
    let columns = [Column::head(words.tickets), Column::text(words.m_agreement)];
    let none = view.unseen.n + view.kept.n == 0;
    part(words.h_blind, words.blind_about, none, words.none_reported, || {
        table(
            columns,
            words.h_blind,
            rows.map(|(name, figure)| [html! { (name) }, figure.cell(Unit::Share, words, language)]),
        )
    })
}

/// A part with its heading, and what to do where there is nothing in it.
fn part(title: &str, about: &str, is_empty: bool, empty: &str, content: impl FnOnce() -> Markup) -> Markup {
    html! {
        h3 { (title) }
        p.small { (about) }
        @if is_empty { p.empty { (empty) } } @else { (content()) }
    }
}
