//! How the 90 days would have gone on a history: each week's decisions beside how its tickets were closed, the gates and triggers that
//! follow, and what they would have done.
//!
//! Every look is taken with what was known at its moment. Nothing was ever sent, so nothing is told of incidents, of time saved or of
//! what people would have made of it: a replay is no evidence for a gate, it says whether trying is worth it.

use std::collections::{BTreeMap, BTreeSet};

use firstline_stats::{Count, ECE_BINS, Ranking, Scored, ece};
use firstline_ticket::Field;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Aliases, Criteria, Desk, ErrorWeek, Fired, Gate, Judged, LeftOut, Population, PriorityCalls, Reaction,
    Series, ShadowAgreement, ShadowEvidence, ShadowThresholds, Share, TicketFacts, Trigger, TwoFallsFound,
    UNKNOWN, Week, WeekFigures, agreement_triggers, error_triggers, priority_calls, savings_trigger, select,
    shadow_agreement, shadow_gate, two_falls, usable_drafts, week_figures,
};

/// Days after its end from which a week is settled.
const SETTLE_DAYS: u16 = 7;

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
    /// The agreement fell twice running, which holds every promotion until somebody has looked: for a week here.
    Fell(TwoFallsFound),
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
    /// How priorities were called over all weeks.
    pub priorities: PriorityCalls,
    /// What would have stood alone in all weeks.
    pub alone: Alone,
    /// Drafts that could have been sent as they were, by category, of the sample; `None` where none were made.
    pub drafts: Option<BTreeMap<String, Share>>,
    /// How it would have gone.
    pub verdict: Verdict,
}

/// The replay of `input`.
pub fn replay(input: &Rehearsal<'_>) -> Replay {
    let weeks: Vec<OfWeek<'_>> = input.weeks.iter().map(|week| OfWeek::new(input, week)).collect();
    let course = Course::run(input, &weeks);
    let judged: Vec<Judged> = weeks.iter().flat_map(|week| week.judged(input.until)).collect();
    let drafts: Option<Vec<&DraftSample>> = input.weeks.iter().try_fold(Vec::new(), |mut all, (_, week)| {
        all.extend(week.drafts.as_ref()?);
        Some(all)
    });
    let categories: BTreeMap<&str, String> =
        input.facts.iter().map(|ticket| (ticket.id.as_str(), category(ticket))).collect();
    let sample = |drafts: Vec<&DraftSample>| {
        let known = drafts
            .iter()
            .filter_map(|draft| Some((categories.get(draft.id.as_str())?.as_str(), draft.distance)));
        usable_drafts(known)
    };
    Replay {
        counterfactual: true,
        alone: weeks.iter().map(|week| week.alone(input.until)).fold(Alone::default(), Alone::and),
        weeks: weeks
            .iter()
            .zip(1..)
            .zip(&course.phases)
            .map(|((w, n), phase)| w.told(input, n, *phase))
            .collect(),
        agreement: shadow_agreement(&judged, &BTreeSet::new(), &Aliases::new()),
        priorities: priority_calls(&judged, input.rank),
        drafts: drafts.filter(|_| !input.weeks.is_empty()).map(sample),
        verdict: course.verdict(weeks.len()),
        gates: course.gates,
        steps: course.steps,
    }
}

/// The category that a ticket was closed in.
fn category(ticket: &TicketFacts) -> String {
    let label = |field| ticket.closing_label(field).unwrap_or(UNKNOWN);
    format!("{} > {}", label(Field::Board), label(Field::Type))
}

/// A week with the tickets that count.
struct OfWeek<'a> {
    week: &'a Week,
    decisions: &'a WeekDecisions,
    tickets: Vec<(&'a TicketFacts, &'a Counterfactual)>,
    left_out: LeftOut,
    /// When it is settled; `None` where the history ends before.
    settles_at: Option<Timestamp>,
}

impl<'a> OfWeek<'a> {
    fn new(input: &Rehearsal<'a>, (week, decisions): &'a (Week, WeekDecisions)) -> Self {
        let decided: BTreeMap<&str, &Counterfactual> =
            decisions.decided.iter().map(|decided| (decided.id.as_str(), decided)).collect();
        let opened = input.facts.iter().filter(|ticket| week.has(ticket.opened_at));
        let selected = select(opened, Population::All);
        let tickets = selected.tickets.into_iter();
        Self {
            week,
            decisions,
            tickets: tickets.filter_map(|t| Some((t, *decided.get(t.id.as_str())?))).collect(),
            left_out: selected.left_out,
            settles_at: week
                .settles_at(SETTLE_DAYS, input.desk.hours.zone())
                .ok()
                .filter(|at| *at <= input.until),
        }
    }

    /// Of each ticket with a decision on `field` and a label at closing as known at `moment`, whether both are the same.
    fn right(&self, field: Field, moment: Timestamp) -> impl Iterator<Item = Scored> {
        self.tickets.iter().filter_map(move |(ticket, decided)| {
            let (label, confidence) = decided.fields.get(&field)?;
            let correct = ticket.closing_label_at(field, moment)? == label.trim();
            Some(Scored { confidence: *confidence, correct })
        })
    }

    /// Board and type both right, as known at `moment`.
    fn joint(&self, moment: Timestamp) -> Count {
        let both = |ticket: &TicketFacts, decided: &Counterfactual| joint(ticket, decided, moment);
        let found: Vec<bool> = self.tickets.iter().filter_map(|(t, decided)| both(t, decided)).collect();
        Count { hits: found.iter().filter(|right| **right).count(), n: found.len() }
    }

    fn alone(&self, moment: Timestamp) -> Alone {
        let mut alone = Alone::default();
        for (ticket, decided) in self.tickets.iter().filter(|(_, decided)| decided.alone) {
            alone.n += 1;
            let Some(right) = joint(ticket, decided, moment) else { continue };
            alone.closed += 1;
            alone.wrong += u64::from(!right);
            if let Some(seconds) = ticket.as_of(moment).handle_time().filter(|_| right) {
                alone.minutes = Some(alone.minutes.unwrap_or(0.0) + seconds / 60.0);
                alone.timed += 1;
            }
        }
        alone
    }

    /// The decisions beside the labels at closing, as known at `moment`.
    fn judged(&self, moment: Timestamp) -> Vec<Judged> {
        let one = |(ticket, decided): &(&TicketFacts, &Counterfactual)| {
            let closing = |field| Some((field, ticket.closing_label_at(field, moment)?.to_owned()));
            ticket.outcome_known(moment).then(|| Judged {
                ticket_id: ticket.id.clone(),
                decided_at: ticket.opened_at,
                bundle: format!("learnt from {} tickets", self.decisions.learnt_from),
                decided: decided.fields.iter().map(|(field, (label, _))| (*field, label.clone())).collect(),
                closing: Field::ALL.into_iter().filter_map(closing).collect(),
                technician: ticket.closing_label_at(Field::Technician, moment).map(str::to_owned),
                seen: false,
            })
        };
        self.tickets.iter().filter_map(one).collect()
    }

    fn told(&self, input: &Rehearsal<'_>, number: u32, phase: ReplayPhase) -> ReplayedWeek {
        let share = |count: Count| Share::new(count.hits as u64, count.n as u64);
        let moment = self.settles_at.unwrap_or(input.until);
        let field = |field| {
            let share = Share::of(self.right(field, input.until).map(|scored| scored.correct));
            (share.of > 0).then_some((field, share))
        };
        ReplayedWeek {
            number,
            week: self.week.to_string(),
            from: self.week.start,
            to: self.week.end,
            phase,
            learnt_from: self.decisions.learnt_from,
            certified: self.decisions.certified,
            tickets: self.tickets.len() as u64,
            left_out: self.left_out,
            settled: self.settles_at.map(|at| share(self.joint(at))),
            agreement: share(self.joint(input.until)),
            fields: Field::ALL.into_iter().filter_map(field).collect(),
            alone: self.alone(input.until),
            desk: week_figures(input.facts, input.desk, (self.week, Population::People), moment),
        }
    }
}

/// Whether board and type were both decided as the ticket was closed; `None` where one of the labels is not known at `moment`.
fn joint(ticket: &TicketFacts, decided: &Counterfactual, moment: Timestamp) -> Option<bool> {
    let same = |field| Some(ticket.closing_label_at(field, moment)? == decided.fields.get(&field)?.0.trim());
    let [board, kind] = [Field::Board, Field::Type].map(same);
    Some(board? && kind?)
}

impl Alone {
    fn and(self, other: Self) -> Self {
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

/// The programme as it goes on from week to week.
struct Course<'a> {
    input: &'a Rehearsal<'a>,
    weeks: &'a [OfWeek<'a>],
    phase: ReplayPhase,
    /// The week in which assist began.
    assist_since: Option<u32>,
    /// Whether somebody has to look before anything is expanded.
    held: bool,
    fired: BTreeSet<(Trigger, u32)>,
    phases: Vec<ReplayPhase>,
    gates: Vec<GateLook>,
    steps: Vec<Step>,
}

impl<'a> Course<'a> {
    fn run(input: &'a Rehearsal<'a>, weeks: &'a [OfWeek<'a>]) -> Self {
        let mut course = Self {
            input,
            weeks,
            phase: ReplayPhase::Shadow,
            assist_since: None,
            held: false,
            fired: BTreeSet::new(),
            phases: Vec::new(),
            gates: Vec::new(),
            steps: Vec::new(),
        };
        for (number, week) in (1..).zip(weeks) {
            course.begin(number, week.week.start);
            course.phases.push(course.phase);
            course.end(number, week.week.end);
        }
        if let Some(last) = weeks.last() {
            // What the week after would have begun with.
            course.begin(weeks.len() as u32 + 1, last.week.end);
        }
        course
    }

    fn step(&mut self, week: u32, kind: StepKind) {
        self.steps.push(Step { week, kind, phase: self.phase });
    }

    /// Asks the gate as week `number` begins at `at`.
    fn begin(&mut self, number: u32, at: Timestamp) {
        let settled: Vec<(&OfWeek<'_>, Timestamp)> = self
            .weeks
            .iter()
            .filter_map(|week| Some((week, week.settles_at?)))
            .filter(|(_, settled)| *settled <= at)
            .collect();
        let held = std::mem::take(&mut self.held);
        if self.phase != ReplayPhase::Shadow || settled.is_empty() {
            return;
        }
        let (gate, passed) = self.gate(&settled);
        self.gates.push(GateLook { week: number, at, settled_weeks: settled.len(), gate, passed });
        if passed && !held {
            self.phase = ReplayPhase::Assist;
            self.assist_since = Some(number);
            self.step(number, StepKind::Promoted);
        }
    }

    /// The gate on settled weeks, each as known when it was settled; and whether it passes but for what no history can show.
    fn gate(&self, settled: &[(&OfWeek<'_>, Timestamp)]) -> (Gate, bool) {
        let sum = settled.iter().map(|(week, at)| week.joint(*at));
        let agreement =
            sum.fold(Count { hits: 0, n: 0 }, |a, b| Count { hits: a.hits + b.hits, n: a.n + b.n });
        let calibration = |field| {
            let ranking = Ranking::new(settled.iter().flat_map(|(week, at)| week.right(field, *at)));
            (ranking.n() > 0).then(|| (field, (ece(&ranking, ECE_BINS), ranking.n() as u64)))
        };
        let evidence = ShadowEvidence {
            days: 7 * settled.len() as u32,
            agreement: Some(agreement),
            calibration: Field::ALL.into_iter().filter_map(calibration).collect(),
            ..ShadowEvidence::default()
        };
        let thresholds = ShadowThresholds::signed(self.input.criteria);
        let whole = Some(Count { hits: 1, n: 1 });
        let granted = ShadowEvidence {
            coverage: whole,
            drafted: whole,
            draft_p95: Some((0.0, 1)),
            attacks: whole,
            canaries: whole,
            ..evidence.clone()
        };
        (shadow_gate(&evidence, &thresholds), shadow_gate(&granted, &thresholds).passed)
    }

    /// Looks at the triggers as week `number` ends at `at`.
    fn end(&mut self, number: u32, at: Timestamp) {
        let rollback = &self.input.criteria.rollback;
        let so_far = || (1..).zip(self.weeks).take(number as usize);
        let agreement: Vec<(u32, Count)> = so_far().map(|(n, week)| (n, week.joint(at))).collect();
        let acting = so_far().filter(|(n, _)| self.assist_since.is_some_and(|since| *n >= since));
        let errors: Vec<ErrorWeek> = acting
            .map(|(number, week)| {
                let Alone { closed, wrong, .. } = week.alone(at);
                ErrorWeek { number, actions: closed, errors: wrong, closed: true }
            })
            .collect();
        let mut fired = error_triggers(&errors, rollback);
        fired.extend(agreement_triggers(&agreement, rollback));
        // Nobody knows what would have been saved.
        fired.extend(savings_trigger(number, None, rollback));
        for fired in fired {
            if self.fired.insert((fired.trigger, fired.week)) {
                self.react(fired.reaction);
                self.step(number, StepKind::Fired(fired));
            }
        }
        let fell = two_falls(&Series::HigherShare(agreement)).filter(|found| found.week == number);
        if let Some(found) = fell.filter(|found| self.input.criteria.two_falls.pauses(found)) {
            self.held = true;
            self.step(number, StepKind::Fell(found));
        }
    }

    fn react(&mut self, reaction: Reaction) {
        use ReplayPhase::{Assist, BackedOut, Paused, Shadow};
        self.phase = match (reaction, self.phase) {
            (Reaction::PauseExpansion, phase) => {
                self.held = true;
                phase
            }
            // In shadow there is nothing to pause.
            (_, Shadow) => Shadow,
            (Reaction::Pause, Assist) => Paused,
            (Reaction::Pause, phase) => phase,
            (Reaction::BackOut | Reaction::Stop, _) => BackedOut,
        };
    }

    fn verdict(&self, weeks: usize) -> Verdict {
        let first = |phase: ReplayPhase| {
            let step = self.steps.iter().find(|step| step.phase == phase)?;
            let by = match &step.kind {
                StepKind::Fired(fired) => Some(fired.trigger),
                _ => None,
            };
            Some(Phased { week: step.week, by })
        };
        let [promoted, paused, backed_out] =
            [ReplayPhase::Assist, ReplayPhase::Paused, ReplayPhase::BackedOut].map(first);
        let by = |phased: &Phased| phased.by.map_or_else(String::new, |by| format!(" by {}", by.row()));
        let mut parts = Vec::new();
        match &promoted {
            Some(phased) => parts.push(format!("promoted week {}", phased.week)),
            None => parts.push(format!("not promoted in {weeks} weeks{}", self.short_of())),
        }
        parts.extend(paused.iter().map(|phased| format!("paused week {}{}", phased.week, by(phased))));
        parts
            .extend(backed_out.iter().map(|phased| format!("backed out week {}{}", phased.week, by(phased))));
        Verdict { promoted, paused, backed_out, phase: self.phase, text: parts.join(", ") }
    }

    /// What the last look at the gate missed, of what a history can show.
    fn short_of(&self) -> String {
        let Some(look) = self.gates.last() else { return ": no week was settled".to_owned() };
        let known = look.gate.checks.iter().filter(|check| !check.passed && check.found.is_some());
        let names: Vec<&str> = known.map(|check| check.name.as_str()).collect();
        match names.is_empty() {
            true if look.passed => ": somebody had to look first".to_owned(),
            true => ": no ticket has an outcome".to_owned(),
            false => format!(": short of {}", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
