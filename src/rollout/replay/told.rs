//! What a replay is given and what it tells.
//!
//! Every figure is one that did not happen; nothing here may be taken for a record.

use std::collections::{BTreeMap, BTreeSet};

use firstline_ticket::Field;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Criteria, Desk, FieldAgreement, Fired, Gate, Kpi, LeftOut, PriorityCalls, ShadowAgreement, Share,
    TicketFacts, Trigger, TwoFallsFound, Week, WeekFigures,
};

/// A decision on a ticket, made with what was known when its week began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// The ticket's id.
    pub id: String,
    /// What was decided, and how surely.
    pub fields: BTreeMap<Field, (String, f64)>,
    /// Whether board and type were decided at or above the threshold that was certified for them together.
    pub alone: bool,
}

/// A draft beside the reply that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftSample {
    /// The ticket's id.
    pub id: String,
    /// How far the reply is from the draft: 0 the same, 1 nothing in common; 1 where there was no draft.
    pub distance: f64,
}

/// What was decided in one week.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WeekDecisions {
    /// Tickets whose outcome was known when the bundle was trained.
    pub learnt_from: u64,
    /// Categories with a certified threshold, board and type together.
    pub certified: u64,
    /// The decisions on the tickets that were opened in it, by id.
    pub decided: Vec<Counterfactual>,
    /// Drafts for a sample of them; `None` where none were made.
    pub drafts: Option<Vec<DraftSample>>,
}

/// Two tickets that say nearly the same and were closed by different technicians.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// When the outcome of both was known.
    pub known_at: Timestamp,
    /// Board and type that each was closed with, in one text.
    pub labels: [String; 2],
}

/// What is replayed.
#[derive(Clone, Copy)]
pub struct Rehearsal<'a> {
    /// The history.
    pub facts: &'a [TicketFacts],
    /// The weeks in order, the first of them week 1, each with what was decided in it.
    pub weeks: &'a [(Week, WeekDecisions)],
    /// The desk.
    pub desk: &'a Desk<'a>,
    /// What was signed.
    pub criteria: &'a Criteria,
    /// The last moment that the history tells of.
    pub until: Timestamp,
    /// The best technicians; empty where nobody knows them.
    pub best: &'a BTreeSet<String>,
    /// Pairs of tickets that say nearly the same.
    pub alike: &'a [Alike],
    /// The rank of a priority, 0 the most urgent.
    pub rank: &'a dyn Fn(&str) -> Option<usize>,
}

/// What Firstline may do in a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayPhase {
    /// It decides silently.
    Shadow,
    /// It acts on approval.
    Assist,
    /// It acts on approval; nothing may be expanded until a person resumes.
    Paused,
    /// It is back in shadow until a person resumes.
    BackedOut,
}

/// What happened at the beginning or the end of a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The week: it began so, or ended so.
    pub week: u32,
    /// What happened.
    #[serde(flatten)]
    pub kind: StepKind,
    /// The phase from then on.
    pub phase: ReplayPhase,
}

/// What may happen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum StepKind {
    /// The gate passed as the week began, as far as a history can show it.
    Promoted,
    /// A trigger fired as the week ended.
    Fired(Fired),
    /// A figure fell twice running, which holds every promotion until somebody has looked: for a week here.
    Fell {
        /// The figure: the agreement, or one that was signed.
        kpi: Kpi,
        /// What is said of it.
        #[serde(flatten)]
        found: TwoFallsFound,
    },
}

/// A look at the gate from shadow to assist.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateLook {
    /// The week that would begin in assist.
    pub week: u32,
    /// The moment.
    pub at: Timestamp,
    /// Settled weeks that it stands on.
    pub settled_weeks: usize,
    /// The gate as a service would judge it: what a history can't show is not measured.
    pub gate: Gate,
    /// Whether everything passes that a history can show.
    pub passed: bool,
}

/// Decisions that would have stood alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Alone {
    /// At or above the certified threshold.
    pub n: u64,
    /// Of those, with a board and a type at closing.
    pub closed: u64,
    /// Of those, wrong in one of the two.
    pub wrong: u64,
    /// Minutes logged on those that were right; `None` where no time is known of any.
    pub minutes: Option<f64>,
    /// Tickets that these minutes are known of.
    pub timed: u64,
}

/// A week as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayedWeek {
    /// Its number in the programme.
    pub number: u32,
    /// Its name, as ISO 8601 writes it.
    pub week: String,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment of the next.
    pub to: Timestamp,
    /// The phase in which it would have been lived.
    pub phase: ReplayPhase,
    /// Tickets whose outcome was known to the bundle that decided.
    pub learnt_from: u64,
    /// Categories that had a certified threshold.
    pub certified: u64,
    /// Tickets that were decided and count.
    pub tickets: u64,
    /// Tickets that do not count.
    pub left_out: LeftOut,
    /// Board and type both as at closing, as known a week after its end; `None` where the history ends before.
    pub settled: Option<Share>,
    /// The same as known at the end of the history.
    pub agreement: Share,
    /// Field by field, as known at the end of the history.
    pub fields: BTreeMap<Field, Share>,
    /// What would have stood alone.
    pub alone: Alone,
    /// The desk's own figures of people's tickets: Firstline changed nothing in them.
    pub desk: WeekFigures,
}

/// From which week on a phase held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Phased {
    /// The first week in it.
    pub week: u32,
    /// What put it there.
    pub by: Option<Trigger>,
}

/// How it would have gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// When it would have been promoted to assist.
    pub promoted: Option<Phased>,
    /// When it would have been paused: the week whose end it was.
    pub paused: Option<Phased>,
    /// When it would have been put back to shadow: the week whose end it was.
    pub backed_out: Option<Phased>,
    /// The phase at the end.
    pub phase: ReplayPhase,
    /// The same in a sentence.
    pub text: String,
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// Nothing of it happened.
    pub counterfactual: bool,
    /// The weeks.
    pub weeks: Vec<ReplayedWeek>,
    /// Every look at the gate.
    pub gates: Vec<GateLook>,
    /// What happened, in order of time.
    pub steps: Vec<Step>,
    /// Agreement over all weeks, as known at the end of the history.
    pub agreement: ShadowAgreement,
    /// How often two technicians closed tickets that are nearly the same with the same board and type, over all of the history: more
    /// can't be expected of any model. `None` of fewer than 30 pairs.
    pub ceiling: Option<FieldAgreement>,
    /// How priorities were called over all weeks.
    pub priorities: PriorityCalls,
    /// What would have stood alone in all weeks.
    pub alone: Alone,
    /// Drafts that could have been sent as they were, by category, of the sample; `None` where none were made.
    pub drafts: Option<BTreeMap<String, Share>>,
    /// How it would have gone.
    pub verdict: Verdict,
}

impl Alone {
    /// Of both.
    pub(super) fn and(self, other: Self) -> Self {
        let minutes = [self.minutes, other.minutes].into_iter().flatten().reduce(|a, b| a + b);
        Self {
            n: self.n + other.n,
            closed: self.closed + other.closed,
            wrong: self.wrong + other.wrong,
            minutes,
            timed: self.timed + other.timed,
        }
    }
}
