//! Incidents: what a customer could see and that may have been wrong, for people to decide about.
//!
//! Plain values in, markup out. A note is a person's words and is printed as text.

use maud::{Markup, html};

use super::parts::{Said, choice, line, named, said, table, words_for};
use super::words::{self, Words};
use crate::table::Column;
use crate::text::{label, note};
use crate::words::{Language, filled};

named! {
    /// How an incident stands.
    State {
        /// Nobody has decided yet.
        Suspected "suspected" state_suspected,
        /// A person has found the error.
        Confirmed "confirmed" state_confirmed,
        /// A person has found none.
        Dismissed "dismissed" state_dismissed,
    }
}

named! {
    /// How bad it was.
    Severity {
        /// Hardly noticed.
        Low "low" severity_low,
        /// It cost somebody time.
        Medium "medium" severity_medium,
        /// It did harm.
        High "high" severity_high,
    }
}

named! {
    /// What went wrong.
    Kind {
        /// It needed a correction or an apology.
        Correction "correction" kind_correction,
        /// The customer said otherwise.
        Contradiction "contradiction" kind_contradiction,
        /// It was opened again.
        Reopened "reopened" kind_reopened,
        /// The same went out twice.
        PostedTwice "posted_twice" kind_twice,
        /// It reached somebody whom it should not have.
        WrongRecipient "wrong_recipient" kind_recipient,
        /// It was closed, and was not done.
        WrongClosing "wrong_closing" kind_closing,
        /// It took longer than was agreed.
        Late "late" kind_late,
        /// Anything else.
        Other "other" kind_other,
    }
}

/// An incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentLine {
    /// Its id.
    pub id: String,
    /// The ticket.
    pub ticket: String,
    /// Whose it is.
    pub customer: String,
    /// What went wrong.
    pub kind: Kind,
    /// How bad it was.
    pub severity: Severity,
    /// How it stands.
    pub state: State,
    /// When it happened, with the zone.
    pub at: String,
    /// Whole days since it happened.
    pub age_days: u64,
    /// Whether it counts as an error while nobody decides.
    pub overdue: bool,
    /// Whether the customer gets a credit, and of how much where somebody has said.
    pub credit: Option<Option<f64>>,
    /// Who reported or decided it last.
    pub by: String,
    /// What was said of it.
    pub note: Option<String>,
}

/// The page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IncidentsView {
    /// Which are shown; `None` for all.
    pub state: Option<State>,
    /// Those of this page, the newest entries first.
    pub lines: Vec<IncidentLine>,
    /// The id after which the next page begins.
    pub next: Option<String>,
    /// Whether the reader may decide.
    pub may_decide: bool,
    /// Whether the reader may report.
    pub may_report: bool,
    /// The name under which a new incident is sent: the same form sent twice is one incident.
    pub key: String,
    /// The zone in which times are typed.
    pub zone: String,
    /// The moment that the form begins with, as a field for local time has it.
    pub now: String,
    /// What was done.
    pub said: Option<Said>,
}

/// The page: what stands between the landmarks.
pub fn incidents_page(view: &IncidentsView, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.incidents_title) }
        (said(view.said.as_ref(), words))
        p.small { (words.incidents_about) }
        nav.tabs aria-label=(words.incidents_title) {
            a href="/incidents" aria-current=[view.state.is_none().then_some("page")] { (words.all) }
            @for state in State::ALL {
                a href=(format!("/incidents?state={}", state.name()))
                    aria-current=[(view.state == Some(*state)).then_some("page")] { (state.word(words)) }
            }
        }
        @if view.lines.is_empty() { p.empty { (words.no_incidents) } }
        @for one in &view.lines { (incident(one, view.may_decide, words)) }
        @if let Some(next) = &view.next { p { a.button href=(next_page(view.state, next)) { (words.more) } } }
        @if view.may_report { (report(view, words)) }
    }
}

fn next_page(state: Option<State>, next: &str) -> String {
    let state = state.map_or(String::new(), |state| format!("state={}&", state.name()));
    format!("/incidents?{state}before={next}")
}

/// Suspected incidents, for the week's page.
pub(super) fn suspected(lines: &[IncidentLine], words: &'static Words) -> Markup {
    let row = |one: &IncidentLine| {
        [
            html! { a href=(format!("/incidents?state=suspected#i-{}", one.id)) { (label(&one.ticket)) } },
            label(&one.customer),
            html! { (one.kind.word(words)) },
            html! { (one.severity.word(words)) },
            html! { (age(one, words)) },
        ]
    };
    let columns = [
        Column::head(words.ticket),
        Column::text(words.customer),
        Column::text(words.what),
        Column::text(words.severity),
        Column::text(words.age),
    ];
    html! {
        section {
            h2 { (words.h_suspected) }
            p.small { (words.suspected_about) }
            @if lines.is_empty() {
                p.empty { (words.none_suspected) }
            } @else {
                (table(columns, words.h_suspected, lines.iter().map(row)))
                p { a.button href="/incidents?state=suspected" { (words.to_decide) } }
            }
        }
    }
}

fn age(one: &IncidentLine, words: &Words) -> Markup {
    html! {
        (filled(if one.age_days == 1 { words.day } else { words.days }, &[("n", &one.age_days.to_string())]))
        @if one.overdue { " " strong.missed { "✗ " (words.overdue) } }
    }
}

fn incident(one: &IncidentLine, may_decide: bool, words: &'static Words) -> Markup {
    html! {
        article.card id=(format!("i-{}", one.id)) {
            h2 { (words.ticket) " " (label(&one.ticket)) }
            p { strong { (one.state.word(words)) } ": " (one.kind.word(words)) ", " (one.severity.word(words))
                @if one.state == State::Suspected { ", " (age(one, words)) } }
            p.small { (words.customer) ": " (label(&one.customer)) " · " (words.happened) ": " (label(&one.at)) " · "
                (words.by) ": " (label(&one.by)) }
            @if let Some(credit) = &one.credit {
                p { (words.credit) @if let Some(amount) = credit { ": " (format!("{amount:.2}")) } }
            }
            @if let Some(text) = &one.note { p { (note(text)) } }
            @if may_decide { (decide(one, words)) }
        }
    }
}

fn decide(one: &IncidentLine, words: &'static Words) -> Markup {
    let severities: Vec<(&str, &str)> = Severity::ALL.iter().map(|of| (of.name(), of.word(words))).collect();
    html! {
        details open[one.state == State::Suspected] {
            summary { (if one.state == State::Suspected { words.decide } else { words.decide_again }) }
            form.fields method="post" action=(format!("/incidents/{}", one.id)) {
                (words_for("reason", words.reason))
                (choice("severity", words.severity, &severities, one.severity.name()))
                (credit(one.credit.is_some(), one.credit.flatten(), words))
                div.row {
                    button type="submit" name="state" value="confirmed" { (words.confirm) }
                    button type="submit" name="state" value="dismissed" { (words.dismiss) }
                }
            }
        }
    }
}

fn credit(is_due: bool, amount: Option<f64>, words: &Words) -> Markup {
    html! {
        label.check { input type="checkbox" name="sla_credit" value="yes" checked[is_due]; " " (words.credit_due) }
        label { (words.credit_amount) " "
            input type="number" name="amount" min="0" max="1000000000" step="0.01" inputmode="decimal"
                value=[amount.map(|of| format!("{of:.2}"))]; }
    }
}

fn report(view: &IncidentsView, words: &'static Words) -> Markup {
    let kinds: Vec<(&str, &str)> = Kind::ALL.iter().map(|of| (of.name(), of.word(words))).collect();
    let severities: Vec<(&str, &str)> = Severity::ALL.iter().map(|of| (of.name(), of.word(words))).collect();
    html! {
        section {
            h2 { (words.h_report) }
            p.small { (words.report_about) }
            form.fields method="post" action="/incidents" {
                input type="hidden" name="key" value=(view.key);
                (line("ticket", words.ticket_number, 256))
                label { (words.customer) " " input name="customer" maxlength="256" autocomplete="off"; }
                label { (filled(words.happened_in, &[("zone", &view.zone)])) " "
                    input type="datetime-local" name="at" value=(view.now) required; }
                (choice("kind", words.what, &kinds, "correction"))
                (choice("severity", words.severity, &severities, "medium"))
                (credit(false, None, words))
                (words_for("note", words.what_happened))
                label.check { input type="checkbox" name="confirmed" value="yes"; " " (words.is_certain) }
                button.main type="submit" { (words.report) }
            }
        }
    }
}
