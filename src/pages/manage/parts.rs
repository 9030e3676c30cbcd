//! What the manager's pages share: figures in words, names of phases and levels, forms, tables.

use maud::{Markup, Render, html};

use super::words::Words;
use crate::numbers::DASH;
use crate::table::{Column, Table};
use crate::text::{label, note, plain};
use crate::words::{Language, filled};

/// Declares an enumeration whose values have a name on record and a word of the reader's language.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $value:ident $text:literal $word:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$about])* $value),+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// Its name on record.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            /// The one of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$value),)+ _ => None }
            }

            pub(crate) fn word(self, words: &'static $crate::manage::words::Words) -> &'static str {
                match self { $(Self::$value => words.$word),+ }
            }
        }
    };
}
pub(super) use named;

named! {
    /// How far Firstline may go.
    Phase {
        /// It reads history.
        Baseline "baseline" phase_baseline,
        /// It decides and drafts, and changes nothing.
        Shadow "shadow" phase_shadow,
        /// It does what a person approves.
        Assist "assist" phase_assist,
        /// It acts alone where that is granted.
        Autonomous "autonomous" phase_autonomous,
    }
}

named! {
    /// How far a hold goes, the mildest first.
    Level {
        /// No new grants.
        PauseExpansion "pause_expansion" level_expansion,
        /// No new grants until there is another bundle.
        Cleanup "cleanup" level_cleanup,
        /// From autonomous to assist.
        Pause "pause" level_pause,
        /// To shadow.
        BackOut "back_out" level_back_out,
        /// To shadow, on anybody's word.
        Stop "stop" level_stop,
    }
}

named! {
    /// How times of work are known.
    Basis {
        /// The PSA's time entries.
        TimeEntries "time_entries" basis_entries,
        /// Reported with the outcome.
        Reported "reported" basis_reported,
        /// Time on the review page.
        Reviews "reviews" basis_reviews,
        /// Signed minutes: an estimate.
        Estimate "estimate" basis_estimate,
    }
}

named! {
    /// What is measured; named as criteria and weeks name it.
    Measure {
        /// Board and type as the desk set them.
        Agreement "agreement" m_agreement,
        /// Change of the handle time.
        HandleTime "handle_time" m_handle_time,
        /// First-level tickets resolved alone.
        L1Autonomous "l1_autonomous" m_l1_autonomous,
        /// Tickets that first level resolves.
        L1Share "l1_share" m_l1_share,
        /// Change of the first-response time.
        FirstResponse "first_response" m_first_response,
        /// Change of the resolution time.
        Resolution "resolution" m_resolution,
        /// Tickets opened again.
        Reopened "reopened" m_reopened,
        /// Drafts sent unchanged.
        Verbatim "verbatim" m_verbatim,
        /// Drafts within 60 seconds.
        DraftedInTime "drafted_in_time" m_drafted,
        /// Errors that customers saw.
        Errors "errors" m_errors,
        /// First response, median.
        ResponseMedian "first_response_median" m_response_median,
        /// First response, 95 % quantile.
        ResponseP95 "first_response_p95" m_response_p95,
        /// Drafts sent in other words.
        Edited "edited" m_edited,
        /// Drafts turned down.
        Rejected "rejected" m_rejected,
    }
}

impl Measure {
    /// In what it is measured.
    pub fn unit(self) -> Unit {
        match self {
            Self::HandleTime | Self::FirstResponse | Self::Resolution => Unit::Change,
            Self::ResponseMedian | Self::ResponseP95 => Unit::Seconds,
            _ => Unit::Share,
        }
    }

    /// The question that its chart answers.
    pub(super) fn question(self, words: &'static Words) -> &'static str {
        match self {
            Self::Agreement => words.q_agreement,
            Self::HandleTime => words.q_handle_time,
            Self::L1Autonomous => words.q_l1_autonomous,
            Self::L1Share => words.q_l1_share,
            Self::FirstResponse => words.q_first_response,
            Self::Resolution => words.q_resolution,
            Self::Reopened => words.q_reopened,
            Self::Verbatim => words.q_verbatim,
            Self::DraftedInTime => words.q_drafted,
            Self::Errors => words.q_errors,
            Self::ResponseMedian => words.q_response_median,
            Self::ResponseP95 => words.q_response_p95,
            Self::Edited => words.q_edited,
            Self::Rejected => words.q_rejected,
        }
    }
}

/// In what something is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0 to 1.
    Share,
    /// A relative change, -0.4 for 40 % less.
    Change,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

/// A figure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FigureView {
    /// Its value; `None` where nobody knows.
    pub value: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Of a share: those that count.
    pub count: Option<u64>,
    /// Over how many.
    pub n: u64,
}

/// On which side of a value something has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// At the value or above; at or below where false.
    pub at_least: bool,
    /// The value.
    pub value: f64,
}

/// What something is about; nothing named stands for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeView {
    /// The customer.
    pub customer: Option<String>,
    /// The board.
    pub board: Option<String>,
    /// The type.
    pub category: Option<String>,
}

impl ScopeView {
    pub(super) fn show(&self, words: &Words) -> Markup {
        let category: Vec<&str> =
            [&self.board, &self.category].into_iter().flatten().map(String::as_str).collect();
        html! {
            @match (&self.customer, category.is_empty()) {
                (None, true) => (words.everything),
                (Some(customer), true) => (label(customer)),
                (None, false) => (label(&category.join(" > "))),
                (Some(customer), false) => { (label(customer)) ", " (label(&category.join(" > "))) }
            }
        }
    }
}

/// What is said above a page, after something was done or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It was done.
    Done,
    /// It was not, and why.
    Problem(String),
}

pub(super) fn said(said: Option<&Said>, words: &Words) -> Markup {
    html! {
        @match said {
            None => {}
            Some(Said::Done) => p.notes role="status" { (words.done) },
            Some(Said::Problem(why)) => div.notes role="alert" { strong { (words.problem) ": " } (note(why)) },
        }
    }
}

/// A number with so many decimals, as the language writes it.
pub(super) fn decimal(value: f64, digits: usize, language: Language) -> String {
    // No "-0".
    let text = format!("{value:.digits$}");
    let text = if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text.replace('-', "\u{2212}")
    };
    if language == Language::English { text } else { text.replace('.', ",") }
}

pub(super) fn percent(share: f64, language: Language) -> String {
    format!("{}\u{a0}%", decimal(100.0 * share, 1, language))
}

/// A value in its unit.
pub(super) fn value(value: f64, unit: Unit, language: Language) -> String {
    let of = |n: f64, digits, sign: &str| format!("{}\u{a0}{sign}", decimal(n, digits, language));
    match unit {
        Unit::Share => percent(value, language),
        Unit::Change if value > 0.0 => format!("+{}", percent(value, language)),
        Unit::Change => percent(value, language),
        Unit::Minutes => of(value, 1, "min"),
        Unit::Seconds => match value.abs() {
            short if short < 120.0 => of(value, 0, "s"),
            minutes if minutes < 7_200.0 => of(value / 60.0, 0, "min"),
            hours if hours < 172_800.0 => of(value / 3_600.0, 1, "h"),
            _ => of(value / 86_400.0, 1, day(language)),
        },
    }
}

fn day(language: Language) -> &'static str {
    match language {
        Language::English => "d",
        Language::German => "T",
        Language::French => "j",
    }
}

impl FigureView {
    /// Its value, or that nobody knows.
    pub(super) fn show(&self, unit: Unit, words: &Words, language: Language) -> String {
        self.value.map_or_else(|| words.not_known.to_owned(), |of| value(of, unit, language))
    }

    pub(super) fn interval(&self, unit: Unit, words: &Words, language: Language) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => {
                let (low, high) = (value(low, unit, language), value(high, unit, language));
                filled(words.interval, &[("low", &low), ("high", &high)])
            }
            _ => words.no_interval.to_owned(),
        }
    }

    pub(super) fn over(&self, words: &Words) -> String {
        match self.count {
            Some(count) => {
                filled(words.count_of, &[("count", &count.to_string()), ("n", &self.n.to_string())])
            }
            None => filled(words.n_of, &[("n", &self.n.to_string())]),
        }
    }

    /// Value, count and interval in a cell.
    pub(super) fn cell(&self, unit: Unit, words: &Words, language: Language) -> Markup {
        html! {
            (self.show(unit, words, language))
            @if self.value.is_some() {
                span.small { " " (self.over(words)) @if self.low.is_some() { ", " (self.interval(unit, words, language)) } }
            }
        }
    }
}

/// A table that can be scrolled with the keyboard where it is wider than the screen.
pub(super) fn table<const N: usize>(
    columns: [Column<'_>; N],
    caption: &str,
    rows: impl IntoIterator<Item = [Markup; N]>,
) -> Markup {
    let mut table = Table::new(columns).caption(caption);
    for row in rows {
        table.row(row.each_ref().map(|cell| cell as &dyn Render));
    }
    html! { div.wide tabindex="0" role="region" aria-label=(caption) { (table) } }
}

/// A form that only has a button, and perhaps hidden values.
pub(super) fn button(
    action: &str,
    hidden: &[(&str, &str)],
    word: &str,
    class: Option<&str>,
    about: &str,
) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            button type="submit" class=[class] aria-label=[(!about.is_empty()).then(|| format!("{word}: {}", plain(about)))] { (word) }
        }
    }
}

/// A line of text that has to be given.
pub(super) fn line(name: &str, title: &str, most: usize) -> Markup {
    html! { label { (title) " " input name=(name) maxlength=(most) required autocomplete="off"; } }
}

/// Words that have to be given.
pub(super) fn words_for(name: &str, title: &str) -> Markup {
    html! { label { (title) " " textarea name=(name) rows="3" maxlength="2000" required {} } }
}

/// A choice among named things.
pub(super) fn choice(name: &str, title: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        label { (title) " "
            select name=(name) {
                @for (value, word) in options { option value=(value) selected[*value == chosen] { (word) } }
            }
        }
    }
}

/// A text, or the sign for none.
pub(super) fn or_dash(text: Option<&str>) -> Markup {
    html! { @match text.filter(|text| !text.is_empty()) { Some(text) => (label(text)), None => (DASH) } }
}

/// A hash, of which the start is enough to compare by eye and the whole can be copied.
pub(super) fn hash(sha256: &str) -> Markup {
    html! { code.hash { (plain(sha256)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_language_writes_them() {
        let shown = |v, unit, language| value(v, unit, language);
        assert_eq!(shown(0.873, Unit::Share, Language::English), "87.3\u{a0}%");
        assert_eq!(shown(0.873, Unit::Share, Language::German), "87,3\u{a0}%");
        assert_eq!(shown(-0.4, Unit::Change, Language::French), "\u{2212}40,0\u{a0}%");
        assert_eq!(shown(0.05, Unit::Change, Language::English), "+5.0\u{a0}%");
        assert_eq!(shown(-0.00001, Unit::Change, Language::English), "0.0\u{a0}%");
        assert_eq!(shown(59.0, Unit::Seconds, Language::English), "59\u{a0}s");
        assert_eq!(shown(1_500.0, Unit::Seconds, Language::English), "25\u{a0}min");
        assert_eq!(shown(9_000.0, Unit::Seconds, Language::German), "2,5\u{a0}h");
        assert_eq!(shown(216_000.0, Unit::Seconds, Language::French), "2,5\u{a0}j");
    }

    #[test]
    fn a_name_leads_to_its_value_and_back() {
        for measure in Measure::ALL {
            assert_eq!(Measure::named(measure.name()), Some(*measure));
        }
        assert_eq!(Phase::named("elsewhere"), None);
        assert!(Phase::Assist > Phase::Shadow && Level::Stop > Level::Pause);
    }
}
