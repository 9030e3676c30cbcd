//! The rollout: phases and gates, criteria and signatures, grants, triggers, holds, the log, and what can be done.
//!
//! Plain values in, markup out. To stop takes one click; everything that lets Firstline go further asks for a typed name.

use maud::{Markup, html};

use super::holds::holds;
pub use super::holds::{HeldView, HoldLine, held_page};
use super::parts::{Level, Phase, Said, ScopeView, hash, line, named, or_dash, percent, said, table};
pub use super::signing::{
    CategoryChecks, CheckView, EvidenceView, GateView, SignedView, VerdictView, VersionView, evidence_page,
    verdict_page,
};
use super::signing::{criteria, gates};
use super::words::{self, Words};
use crate::numbers::DASH;
use crate::table::Column;
use crate::text::{label, note};
use crate::words::{Language, filled};

named! {
    /// What holds Firstline back by itself.
    TriggerKind {
        /// Too many errors that customers saw in a week.
        Errors "errors" t_errors,
        /// Their rate has risen.
        ErrorsRisen "errors_risen" t_errors_risen,
        /// Too little agreement.
        Agreement "agreement" t_agreement,
        /// The agreement is too low, by a sequential test.
        AgreementRefuted "agreement_refuted" t_agreement_refuted,
        /// Too little time saved.
        Savings "savings" t_savings,
        /// An incident that needs an SLA credit.
        SlaCredit "sla_credit" t_sla_credit,
        /// A certificate that was refuted.
        Certificate "certificate" t_certificate,
    }
}

/// What the reader may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// Put on hold.
    pub hold: bool,
    /// Stop.
    pub stop: bool,
    /// Ask gates and end holds.
    pub approve: bool,
    /// Sign criteria.
    pub sign: bool,
}

/// The page.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutView {
    /// How far Firstline may go at most, as grants and holds have it.
    pub phase: Phase,
    /// What the settings allow, where that is less.
    pub capped_at: Option<Phase>,
    /// The programme; `None` before it has started.
    pub started: Option<StartedView>,
    /// The gates with their last verdicts.
    pub gates: Vec<GateView>,
    /// Versions of the criteria, the newest first.
    pub versions: Vec<VersionView>,
    /// What is granted.
    pub grants: Vec<GrantLine>,
    /// The triggers.
    pub triggers: Vec<TriggerLine>,
    /// Holds in force.
    pub holds: Vec<HoldLine>,
    /// What was done, the newest first.
    pub log: Vec<LogLine>,
    /// What to do next, in English.
    pub next: Vec<String>,
    /// What the reader may do.
    pub rights: Rights,
    /// What was done.
    pub said: Option<Said>,
}

/// A programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedView {
    /// The day on which it started.
    pub on: String,
    /// Its day of 90.
    pub day: i64,
    /// Its week; 0 before the first whole one.
    pub week: u32,
    /// The pilot customers.
    pub pilots: Vec<String>,
    /// Who started it, or changed its pilots.
    pub by: String,
}

/// A grant.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantLine {
    /// What it is about.
    pub scope: ScopeView,
    /// How far Firstline may go there.
    pub phase: Phase,
    /// From which score on each thing may be done alone, by name.
    pub thresholds: Vec<(String, f64)>,
    /// The sha256 of the evidence: its certificate.
    pub certificate: Option<String>,
    /// The bundle that it was granted for.
    pub bundle: Option<String>,
    /// Since when.
    pub since: String,
    /// Who granted it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerLine {
    /// Which.
    pub kind: TriggerKind,
    /// From where on it fires: a share.
    pub limit: Option<f64>,
    /// The holds that it fired and that are in force.
    pub in_force: Vec<i64>,
    /// How often it has fired.
    pub fired: u64,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: String,
    /// What.
    pub what: Logged,
    /// What it was about.
    pub scope: ScopeView,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    /// Something was granted.
    Granted(Phase),
    /// Something was put on hold.
    Held(Level),
    /// A hold was ended.
    Resumed(Level),
    /// A gate was asked: which phase it leads to, and whether it was passed.
    Asked(Phase, bool),
    /// A version of the criteria was signed.
    Signed(u32),
}

/// The page: what stands between the landmarks.
pub fn rollout_page(view: &RolloutView, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.rollout_title) }
        (said(view.said.as_ref(), words))
        (stop(view, words))
        (standing(view, words))
        @if !view.next.is_empty() {
            section { h2 { (words.h_next) } ul lang="en" { @for one in &view.next { li { (note(one)) } } } }
        }
        (holds(&view.holds, view.rights, words))
        (phases(view, words))
        (gates(&view.gates, view.rights.approve, words, language))
        (criteria(&view.versions, view.rights.sign, words))
        (grants(&view.grants, words, language))
        (triggers(&view.triggers, words, language))
        (log(&view.log, words))
    }
}

/// One click, without a question before.
fn stop(view: &RolloutView, words: &Words) -> Markup {
    html! {
        @if view.rights.stop {
            form.stop method="post" action="/rollout/stop" {
                button.danger type="submit" aria-describedby="stop-about" { "■ " (words.stop) }
                span #stop-about.small { (words.stop_about) }
            }
        }
    }
}

fn standing(view: &RolloutView, words: &'static Words) -> Markup {
    html! {
        p.headline {
            @match &view.started {
                None => (words.no_programme),
                Some(of) => { (filled(words.started, &[("on", &of.on), ("day", &of.day.to_string()), ("week", &of.week.to_string())])) }
            }
            " " (filled(words.phase_is, &[("phase", view.phase.word(words))]))
        }
        @if let Some(cap) = view.capped_at { p.notes { (filled(words.capped, &[("phase", cap.word(words))])) } }
        @if let Some(of) = &view.started {
            p { (words.pilots) ": " @for (i, one) in of.pilots.iter().enumerate() { @if i > 0 { ", " } (label(one)) } }
            p.small { (words.by) ": " (label(&of.by)) }
        }
    }
}

fn phases(view: &RolloutView, words: &'static Words) -> Markup {
    html! {
        section {
            h2 { (words.h_phases) }
            ol.phases { @for phase in Phase::ALL {
                li aria-current=[(*phase == view.phase).then_some("step")] {
                    @match phase.cmp(&view.phase) {
                        std::cmp::Ordering::Less => { "✓ " strong { (phase.word(words)) } " " (words.phase_past) }
                        std::cmp::Ordering::Equal => { "● " strong { (phase.word(words)) } " " (words.phase_now) }
                        std::cmp::Ordering::Greater => { "○ " (phase.word(words)) " " (words.phase_ahead) }
                    }
                    span.small { " " (may(*phase, words)) }
                }
            } }
        }
    }
}

fn may(phase: Phase, words: &'static Words) -> &'static str {
    match phase {
        Phase::Baseline => words.may_baseline,
        Phase::Shadow => words.may_shadow,
        Phase::Assist => words.may_assist,
        Phase::Autonomous => words.may_autonomous,
    }
}

fn grants(lines: &[GrantLine], words: &'static Words, language: Language) -> Markup {
    let row = |one: &GrantLine| {
        [
            one.scope.show(words),
            html! { (one.phase.word(words)) },
            html! { @for (i, (name, from)) in one.thresholds.iter().enumerate() {
                @if i > 0 { ", " } (label(name)) " ≥ " (super::parts::decimal(*from, 3, language))
            } @if one.thresholds.is_empty() { (DASH) } },
            html! { @match &one.certificate { Some(sha) => (hash(sha)), None => (DASH) } },
            or_dash(one.bundle.as_deref()),
            label(&one.since),
            html! { (label(&one.by)) ": " (note(&one.reason)) },
        ]
    };
    let columns = [
        Column::head(words.scope),
        Column::text(words.phase),
        Column::text(words.threshold),
        Column::text(words.certificate),
        Column::text(words.bundle),
        Column::text(words.since),
        Column::text(words.by_and_why),
    ];
    html! {
        section {
            h2 { (words.h_grants) }
            p.small { (words.grants_about) }
            @if lines.is_empty() { p.empty { (words.no_grants) } } @else {
                (table(columns, words.h_grants, lines.iter().map(row)))
            }
        }
    }
}

fn triggers(lines: &[TriggerLine], words: &'static Words, language: Language) -> Markup {
    let row = |one: &TriggerLine| {
        [
            html! { (one.kind.word(words)) },
            html! { @match one.limit { Some(limit) => (percent(limit, language)), None => (DASH) } },
            html! { @if one.in_force.is_empty() { "✓ " (words.quiet) } @else {
                strong.missed { "✗ " (words.in_force) } " "
                @for id in &one.in_force { a href=(format!("#hold-{id}")) { (filled(words.hold_number, &[("n", &id.to_string())])) } " " }
            } },
            html! { (one.fired) },
        ]
    };
    let columns = [
        Column::head(words.trigger),
        Column::text(words.limit),
        Column::text(words.standing),
        Column::number(words.fired),
    ];
    html! {
        section {
            h2 { (words.h_triggers) }
            p.small { (words.triggers_about) }
            (table(columns, words.h_triggers, lines.iter().map(row)))
        }
    }
}

fn log(lines: &[LogLine], words: &'static Words) -> Markup {
    let what = |of: Logged| match of {
        Logged::Granted(phase) => filled(words.log_granted, &[("phase", phase.word(words))]),
        Logged::Held(level) => filled(words.log_held, &[("level", level.word(words))]),
        Logged::Resumed(level) => filled(words.log_resumed, &[("level", level.word(words))]),
        Logged::Asked(to, true) => filled(words.log_passed, &[("phase", to.word(words))]),
        Logged::Asked(to, false) => filled(words.log_not_passed, &[("phase", to.word(words))]),
        Logged::Signed(version) => filled(words.log_signed, &[("n", &version.to_string())]),
    };
    let row = |one: &LogLine| {
        [label(&one.at), html! { (what(one.what)) }, one.scope.show(words), label(&one.by), note(&one.why)]
    };
    let columns = [
        Column::head(words.when),
        Column::text(words.what),
        Column::text(words.scope),
        Column::text(words.by),
        Column::text(words.why),
    ];
    html! {
        section {
            h2 { (words.h_log) }
            @if lines.is_empty() { p.empty { (words.no_log) } } @else {
                (table(columns, words.h_log, lines.iter().map(row)))
            }
        }
    }
}

/// A line that asks for the reader's name, before something that lets Firstline go further.
pub(super) fn typed_name(words: &Words) -> Markup {
    line("typed_name", words.typed_name, 256)
}
