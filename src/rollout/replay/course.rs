//! The programme as it goes on from week to week: the gate as each begins, the triggers as it ends.
//!
//! Must never look at anything later than the moment of its look.

use std::collections::BTreeSet;

use firstline_stats::{Count, ECE_BINS, Ranking, ece};
use firstline_ticket::Field;
use jiff::Timestamp;

use super::alike;
use super::told::{Alone, GateLook, Phased, Rehearsal, ReplayPhase, Step, StepKind, Verdict};
use super::watched::watched;
use super::week::OfWeek;
use crate::{
    ErrorWeek, Gate, Limits, Reaction, ShadowEvidence, ShadowThresholds, Share, Trigger, agreement_triggers,
    error_triggers, savings_trigger, shadow_gate, two_falls,
};

/// The programme as it goes on from week to week.
pub(super) struct Course<'a> {
    input: &'a Rehearsal<'a>,
    weeks: &'a [OfWeek<'a>],
    phase: ReplayPhase,
    /// The week in which assist began.
    assist_since: Option<u32>,
    /// Whether somebody has to look before anything is expanded.
    held: bool,
    fired: BTreeSet<(Trigger, u32)>,
    pub(super) phases: Vec<ReplayPhase>,
    pub(super) gates: Vec<GateLook>,
    pub(super) steps: Vec<Step>,
}

impl<'a> Course<'a> {
    pub(super) fn run(input: &'a Rehearsal<'a>, weeks: &'a [OfWeek<'a>]) -> Self {
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
        let (gate, passed) = self.gate(&settled, at);
        self.gates.push(GateLook { week: number, at, settled_weeks: settled.len(), gate, passed });
        if passed && !held {
            self.phase = ReplayPhase::Assist;
            self.assist_since = Some(number);
            self.step(number, StepKind::Promoted);
        }
    }

    /// The gate on settled weeks, each as known when it was settled; and whether it passes but for what no history can show.
    fn gate(&self, settled: &[(&OfWeek<'_>, Timestamp)], now: Timestamp) -> (Gate, bool) {
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
            ceiling: alike(self.input.alike, now).map(|found| {
                let Share { count, of, .. } = found.share;
                Count { hits: count as usize, n: of as usize }
            }),
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
        let limits = Limits::from(*rollback);
        let weeks = self.weeks;
        let so_far = || (1..).zip(weeks).take(number as usize);
        let agreement: Vec<(u32, Count)> = so_far().map(|(n, week)| (n, week.joint(at))).collect();
        let acting = so_far().filter(|(n, _)| self.assist_since.is_some_and(|since| *n >= since));
        let errors: Vec<ErrorWeek> = acting
            .map(|(number, week)| {
                let Alone { closed, wrong, .. } = week.alone(at);
                ErrorWeek { number, actions: closed, errors: wrong, closed: true }
            })
            .collect();
        let mut fired = error_triggers(&errors, &limits, 0);
        fired.extend(agreement_triggers(&agreement, &limits));
        // Nobody knows what would have been saved.
        fired.extend(savings_trigger(number, None, rollback));
        for fired in fired {
            if self.fired.insert((fired.trigger, fired.week)) {
                self.react(fired.reaction);
                self.step(number, StepKind::Fired(fired));
            }
        }
        let so_far: Vec<(u32, &OfWeek<'_>)> = so_far().collect();
        for (kpi, series) in watched(self.input, &so_far, at) {
            let fell = two_falls(&series).filter(|found| found.week == number);
            if let Some(found) = fell.filter(|found| self.input.criteria.two_falls.pauses(found)) {
                self.held = true;
                self.step(number, StepKind::Fell { kpi, found });
            }
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

    pub(super) fn verdict(&self, weeks: usize) -> Verdict {
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
