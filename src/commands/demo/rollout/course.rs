//! Time passes: tickets are opened, decided, reviewed, answered and closed in their order, and weeks are put on record.
//!
//! The desk is the generator's. What is played beyond it: a reviewer approves what the desk closed alike, a reply that is sent takes the
//! place of the technician's first, and the rest of the work takes a part of its minutes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use firstline_fault::InternalError;
use firstline_psa::connector::{History, Record};
use firstline_psa::sync::{Settled, What, events_of, feedback_of};
use firstline_serve::rollout::{IncidentRuling, IncidentState as RuledState, decide_incident, resume, watch};
use firstline_store::{
    ActionKind, CustomerSet, GrantScope, Hold, IncidentState, NewIncident, ReviewRequest, ReviewResult,
};
use firstline_ticket::{ActorKind, Changed, DraftState, Event, Field, Happening, Origin, Review, Ticket};
use firstline_triage::what_is_read;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Files;
use super::books::Books;
use super::gates::{self, Asked};
use super::people::Past;
use super::stage::Stage;
use super::through::Through;
use crate::commands::demo::psa::Desk;
use crate::failure::Failure;
use crate::ui::Ui;

/// The first week whose tickets are sent to Firstline.
pub(super) const SENT_FROM: u32 = 3;
/// The first week in which it may do what people approve, if the gate passes.
const ASSIST_FROM: u32 = 7;
/// The first week in which it may act alone, where the gate passes.
const ALONE_FROM: u32 = 11;
/// The part of its minutes that a ticket takes whose reply Firstline has written.
pub(super) const HELPED: f64 = 0.15;
/// Of this many actions one is wrong, from the week on in which errors begin.
const ONE_IN: usize = 12;

/// After the opening, the PSA's hook; after a draft, the reviewer; after the end, the loop that tells it.
const HOOK: SignedDuration = SignedDuration::from_secs(5);
const REVIEWED_AFTER: SignedDuration = SignedDuration::from_mins(2);
const TOLD_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// The hour after midnight at which the manager decides.
const EVENING: i64 = 18;
/// Looks at whether the desk is open.
const LOOKS: usize = 7 * 24 * 4;
const LOOK: SignedDuration = SignedDuration::from_mins(15);
/// Seconds that a review takes.
const REVIEW_SECONDS: f64 = 45.0;
/// Who claims.
const OWNER: &str = "demo";

/// What happens next, in its order at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A week begins.
    Week(u32),
    /// A ticket comes in.
    Opened(usize),
    /// A person looks at its draft.
    Reviewed(usize),
    /// What was to be done alone may be.
    Acted,
    /// Its customer writes back.
    Answered(usize),
    /// The manager decides what the day has brought.
    Evening,
    /// It has ended.
    Ended(usize),
    /// The loop between the PSA and the service asks.
    Polled,
}

/// What was played.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Played {
    /// Tickets that were sent.
    sent: usize,
    /// Drafts that were approved.
    approved: usize,
    /// Drafts that were not.
    rejected: usize,
    /// Actions that were done.
    done: usize,
    /// Replies that went out.
    replies: usize,
    /// Of those, replies that nobody had approved.
    alone: usize,
    /// Of these, replies to tickets whose board or type was wrong.
    alone_wrong: usize,
    /// Answers of customers to these.
    answers: usize,
    /// Tickets that Firstline closed.
    closed: usize,
    /// Tickets that it opened again.
    reopened: usize,
    /// Errors that customers saw.
    errors: usize,
    /// Ends that were told.
    ended: usize,
}

/// A ticket with what became of it.
struct Case<'a> {
    ticket: &'a Ticket,
    /// When Firstline's reply was posted.
    answered: Option<Timestamp>,
    /// When Firstline closed it.
    closed: Option<Timestamp>,
    /// Whether its end was told.
    told: bool,
}

/// The play.
pub(super) struct Course<'a> {
    desk: &'a Desk,
    past: &'a Past,
    errors_from: Option<u32>,
    cases: Vec<Case<'a>>,
    by_id: BTreeMap<&'a str, usize>,
    steps: BinaryHeap<Reverse<(Timestamp, Step)>>,
    week: u32,
    played: Played,
    files: &'a Files,
    seed: u64,
    asked: Asked,
    /// When the gates to assist and to autonomous passed.
    passed: (Option<Timestamp>, Option<Timestamp>),
    /// The PSA's stand-in; the course itself plays the PSA where there is none.
    through: Option<Through>,
}

impl<'a> Course<'a> {
    /// A play of the desk's days, in which a part of what is sent is wrong from a week on. Where it goes `through` a stand-in, the loop
    /// brings what is opened and what ends.
    pub(super) fn new(
        desk: &'a Desk,
        past: &'a Past,
        (files, seed, errors_from): (&'a Files, u64, Option<u32>),
        through: Option<Through>,
    ) -> Self {
        let case = |ticket| Case { ticket, answered: None, closed: None, told: false };
        let cases: Vec<Case<'a>> = desk.played.iter().map(case).collect();
        let by_id = desk.played.iter().enumerate().map(|(i, ticket)| (ticket.id.as_str(), i)).collect();
        let mut steps = BinaryHeap::new();
        for (i, ticket) in desk.played.iter().enumerate() {
            let Some(opened) = ticket.opened_at else { continue };
            let number = desk.week(opened);
            if through.is_none() && number >= SENT_FROM {
                steps.push(Reverse((opened + HOOK, Step::Opened(i))));
                let ended = ticket.resolved_at.map(|at| at + TOLD_AFTER).filter(|at| *at < desk.to);
                steps.extend(ended.map(|at| Reverse((at.max(opened + HOOK + HOOK), Step::Ended(i)))));
            }
        }
        steps.extend((1..=super::WEEKS).filter_map(|n| Some(Reverse((desk.week_begins(n)?, Step::Week(n))))));
        let evening = |day: i64| desk.from + SignedDuration::from_hours(24 * day + EVENING);
        let days = (7 * i64::from(ASSIST_FROM - 1))..i64::from(desk.days);
        steps.extend(days.map(|day| Reverse((evening(day), Step::Evening))));
        steps.extend(through.iter().map(|through| Reverse((through.poll_after(desk.from), Step::Polled))));
        let (week, played, asked, passed) = (0, Played::default(), Asked::default(), (None, None));
        Self {
            desk,
            past,
            errors_from,
            cases,
            by_id,
            steps,
            week,
            played,
            files,
            seed,
            asked,
            passed,
            through,
        }
    }

    /// The stand-in that it went through, and its books beside the store's.
    pub(super) fn books(&self, stage: &Stage) -> Result<Option<(&Through, Books)>, Failure> {
        let compare = |through| Ok((through, Books::of(stage, through, self.passed)?));
        self.through.as_ref().map(compare).transpose()
    }

    /// What the gates said.
    pub(super) fn asked(&self) -> serde_json::Value {
        serde_json::json!({"assist": self.asked.assist, "autonomous": self.asked.autonomous})
    }

    /// Whether what people approve is done.
    fn assists(&self) -> bool {
        self.asked.assist.as_ref().is_some_and(|gate| gate.passed)
    }

    /// Whether anything is done alone.
    fn acts_alone(&self) -> bool {
        let gate = self.asked.autonomous.as_ref();
        gate.is_some_and(|gate| gate.categories.iter().any(|category| category.granted))
    }

    /// What was played.
    pub(super) fn played(&self) -> Played {
        self.played
    }

    /// Plays all of it, and puts the weeks on record.
    pub(super) fn play(&mut self, stage: &mut Stage, ui: &Ui) -> Result<(), Failure> {
        while let Some(Reverse((at, step))) = self.steps.pop() {
            stage.clock.skip_to(at);
            match step {
                Step::Week(number) => self.begin_week(number, stage, ui)?,
                Step::Opened(i) => self.open(i, stage)?,
                Step::Reviewed(i) => self.review(i, stage)?,
                Step::Acted => self.act(stage)?,
                Step::Answered(i) => self.answer(i, stage)?,
                Step::Ended(i) => self.end(i, stage)?,
                Step::Polled => self.poll(at, stage)?,
                Step::Evening => {
                    self.look(stage, ui)?;
                    self.manage(stage)?;
                }
            }
        }
        stage.clock.skip_to(self.desk.to);
        self.poll(self.desk.to, stage)?;
        self.look(stage, ui)
    }

    fn begin_week(&mut self, number: u32, stage: &Stage, ui: &Ui) -> Result<(), Failure> {
        let now = stage.clock.now();
        self.week = number;
        let week_before = self.desk.week_begins(number.saturating_sub(1));
        // The loop sends the PSA's lists by itself.
        if let Some(from) = week_before.filter(|_| number > SENT_FROM && self.through.is_none()) {
            gates::list(stage, self.desk, (from, now))?;
        }
        self.look(stage, ui)?;
        self.waver(stage, ui)?;
        ui.say(format!(
            "   Week {number}: {} tickets sent, {} replies approved and {} sent alone so far.",
            self.played.sent, self.played.approved, self.played.alone
        ));
        let shadow_ends = self.desk.week_begins(ASSIST_FROM).unwrap_or(now);
        let of = (stage, self.desk, self.past);
        if number == ASSIST_FROM {
            self.asked.assist = Some(gates::assist(self.files, of, (shadow_ends, self.seed), ui)?);
            self.passed.0 = self.assists().then_some(now);
        }
        if number == ALONE_FROM && self.assists() && !backed_out(stage)? {
            self.asked.autonomous = Some(gates::autonomous(self.files, of, (shadow_ends, self.seed), ui)?);
            self.passed.1 = self.acts_alone().then_some(now);
        }
        Ok(())
    }

    /// The manager dismisses what is suspected: what was wrong is on record already, as the play has made it.
    fn manage(&self, stage: &Stage) -> Result<(), Failure> {
        let (store, now) = (stage.store.as_ref(), stage.clock.now());
        let suspected =
            store.incident_list(Some(IncidentState::Suspected), &CustomerSet::All, None, 500)?.items;
        let by = self.past.manager.author();
        for incident in suspected {
            let ruling = IncidentRuling {
                state: RuledState::Dismissed,
                reason: "the reply fits how the desk closed the ticket, or its error is on record".to_owned(),
                sla_credit: None,
                sla_credit_amount: None,
                severity: None,
            };
            decide_incident(store, &incident.id, &ruling, (&by, &CustomerSet::All), now)?;
        }
        Ok(())
    }

    /// The manager lets expansion go on where only a figure wavered.
    fn waver(&self, stage: &Stage, ui: &Ui) -> Result<(), Failure> {
        let (store, now) = (stage.store.as_ref(), stage.clock.now());
        for hold in store.holds(true)?.iter().filter(|hold| hold.level == Hold::PauseExpansion) {
            let told =
                resume(store, hold.id, "the figures waver as they did before", &self.past.manager, now)?;
            ui.say(format!("   The manager lets expansion go on: {}", told.reason));
        }
        Ok(())
    }

    /// Weeks are closed, and triggers fire, as the service's own lane has them.
    fn look(&self, stage: &Stage, ui: &Ui) -> Result<(), Failure> {
        let found = watch(stage.store.as_ref(), &stage.rules, stage.clock.now())?;
        for hold in found.fired {
            ui.say(format!("   FIRED, {}: {}", hold.level.name(), hold.reason));
        }
        Ok(())
    }

    fn open(&mut self, i: usize, stage: &mut Stage) -> Result<(), Failure> {
        let ticket = what_is_read(self.cases[i].ticket);
        let refused = stage.service.triage(std::slice::from_ref(&ticket))?;
        if let Some((_, why)) = refused.first() {
            return Err(InternalError::new(format!("ticket {} was refused: {why}", ticket.id)).into());
        }
        self.played.sent += 1;
        stage.settle()?;
        self.came_in(i, stage)
    }

    /// A ticket was decided and drafted: what follows for a pilot's.
    fn came_in(&mut self, i: usize, stage: &Stage) -> Result<(), Failure> {
        let pilot = self.past.pilots.contains(&self.cases[i].ticket.customer_key());
        if self.acts_alone() && pilot {
            stage.acted()?;
            self.steps.push(Reverse((stage.clock.now() + stage.held(), Step::Acted)));
        }
        if self.assists() && pilot {
            let at = open_at(stage, stage.clock.now() + REVIEWED_AFTER);
            self.steps.push(Reverse((at, Step::Reviewed(i))));
        }
        Ok(())
    }

    /// The loop asks the PSA's stand-in, if there is one, and what came of it has followed.
    fn poll(&mut self, at: Timestamp, stage: &mut Stage) -> Result<(), Failure> {
        let Some(through) = &mut self.through else { return Ok(()) };
        let Some(came) = through.poll(at, stage)? else { return Ok(()) };
        stage.settle()?;
        self.played.sent += came.opened.len();
        self.played.ended += came.ended;
        for action in &came.done {
            self.played.done += 1;
            // A technician had closed it before.
            if action.kind == ActionKind::Close && action.psa_ref.is_none() {
                continue;
            }
            let i = self.through.as_ref().and_then(|through| self.by_id.get(through.id(&action.ticket_id)?));
            if let Some(&i) = i {
                self.done(i, (action.kind, &action.decision_id), stage)?;
            }
        }
        for id in &came.opened {
            if let Some(&i) = self.by_id.get(id.as_str()) {
                self.came_in(i, stage)?;
            }
        }
        if self.acts_alone() && stage.waits()? {
            self.steps.push(Reverse((stage.clock.now() + stage.held(), Step::Acted)));
        }
        let now = stage.clock.now();
        let through = self.through.as_ref();
        let again = through.filter(|_| came.again).map(|through| through.poll_after(now));
        let next = through.and_then(|through| through.next(now));
        self.steps.extend(
            again
                .into_iter()
                .chain(next)
                .filter(|at| *at < self.desk.to)
                .map(|at| Reverse((at, Step::Polled))),
        );
        Ok(())
    }

    /// A ticket's id, as the service knows it.
    fn number(&self, i: usize) -> &str {
        let id = &self.cases[i].ticket.id;
        self.through.as_ref().and_then(|through| through.number(id)).unwrap_or(id)
    }

    /// A person looks at the draft of a ticket, if one waits.
    fn review(&mut self, i: usize, stage: &mut Stage) -> Result<(), Failure> {
        let (ticket, now) = (self.cases[i].ticket, stage.clock.now());
        let only = CustomerSet::Only([ticket.customer_key()].into());
        let waiting = stage.store.reviews(DraftState::Pending, &only, None, 200)?.items;
        let Some(item) = waiting.into_iter().find(|item| item.ticket.id == self.number(i)) else {
            return Ok(());
        };
        let record = item.record;
        let same =
            |field| record.decision.fields.get(&field).map(|one| one.label.as_str()) == ticket.label(field);
        let worth_it = record.draft.as_ref().is_some_and(|draft| draft.origin != Origin::Acknowledgement);
        let late = first_reply(&trail(ticket)).is_some_and(|at| at <= now);
        let good = worth_it && !late && same(Field::Board) && same(Field::Type);
        let why = if late { "not_needed" } else { "wrong_answer" };
        let request = ReviewRequest {
            decision_id: record.id.clone(),
            version: record.version,
            verdict: if good { Review::Accepted } else { Review::Rejected(why.to_owned()) },
            reviewer: "Rita Reviewer".to_owned(),
            claimed: None,
            findings: Vec::new(),
            wide: true,
            fields: BTreeMap::new(),
            idempotency_key: format!("demo-{}", record.id),
            act: good,
            undo_seconds: 0,
            run: None,
            distance: 0.0,
            opened_at: Some(now - SignedDuration::from_secs(REVIEW_SECONDS as i64)),
            active_seconds: Some(REVIEW_SECONDS),
            actor: "command:demo".to_owned(),
        };
        let reviewed = stage.store.review(&request, now)?;
        if !matches!(reviewed, ReviewResult::Done(_)) {
            return Err(InternalError::new(format!(
                "a review of ticket {} did not hold: {reviewed:?}",
                ticket.id
            ))
            .into());
        }
        match good {
            false => self.played.rejected += 1,
            true => {
                self.played.approved += 1;
                self.act(stage)?;
            }
        }
        Ok(())
    }

    /// What was approved, or is granted, is done in the PSA: at once, or when the loop asks next.
    fn act(&mut self, stage: &mut Stage) -> Result<(), Failure> {
        if let Some(through) = &self.through {
            self.steps.push(Reverse((through.poll_after(stage.clock.now()), Step::Polled)));
            return Ok(());
        }
        loop {
            let claimed = stage.service.claim(OWNER, 50)?;
            if claimed.is_empty() {
                return Ok(());
            }
            for action in claimed {
                let done = Settled::Done { psa_ref: Some("demo"), result: None };
                if let Some(why) = stage.service.settle(action.id, OWNER, &done)? {
                    let problem = format!("action {} was not settled: {why}", action.id);
                    return Err(InternalError::new(problem).into());
                }
                self.played.done += 1;
                let Some(&i) = self.by_id.get(action.ticket_id.as_str()) else { continue };
                let kind = match action.what {
                    What::Reply(_) => ActionKind::Reply,
                    What::SetFields(_) => ActionKind::SetFields,
                    What::Close(_) => ActionKind::Close,
                    What::Reopen(_) => ActionKind::Reopen,
                    What::Run(_) => ActionKind::Run,
                };
                self.done(i, (kind, &action.decision_id), stage)?;
            }
        }
    }

    /// An action of a ticket was done: what follows on the desk.
    fn done(&mut self, i: usize, (kind, decision): (ActionKind, &str), stage: &Stage) -> Result<(), Failure> {
        let (ticket, now) = (self.cases[i].ticket, stage.clock.now());
        match kind {
            ActionKind::Reply => self.replied(i, decision, stage)?,
            ActionKind::Close => {
                self.cases[i].closed = Some(now);
                self.played.closed += 1;
                match &mut self.through {
                    Some(through) => through.cancel(ticket),
                    None => self.steps.push(Reverse((now + TOLD_AFTER, Step::Ended(i)))),
                }
            }
            ActionKind::Reopen => self.played.reopened += 1,
            ActionKind::SetFields => self.through.iter_mut().for_each(|through| through.label(ticket)),
            ActionKind::Run => {}
        }
        Ok(())
    }

    /// A reply has gone out.
    fn replied(&mut self, i: usize, decision: &str, stage: &Stage) -> Result<(), Failure> {
        let now = stage.clock.now();
        self.cases[i].answered = Some(now);
        self.played.replies += 1;
        self.through.iter_mut().for_each(|through| through.relieve(self.cases[i].ticket, HELPED));
        let record = stage.store.decision(decision)?;
        let alone = record.as_ref().is_some_and(|record| record.draft_state == DraftState::Auto);
        let ticket = self.cases[i].ticket;
        let right = record.is_some_and(|record| {
            let label = |field| record.decision.fields.get(&field).map(|one| one.label.as_str());
            [Field::Board, Field::Type].into_iter().all(|field| label(field) == ticket.label(field))
        });
        let wrong = self.errors_from.is_some_and(|from| self.week >= from)
            && self.played.replies.is_multiple_of(ONE_IN);
        if wrong || (alone && !right) {
            self.error(i, stage)?;
        }
        if alone {
            self.through.iter_mut().for_each(|through| through.leave_alone(ticket));
            self.played.alone += 1;
            self.played.alone_wrong += usize::from(!right);
            let later = i64::from(
                ticket.id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % 4,
            );
            self.steps.push(Reverse((now + SignedDuration::from_mins(10 + 20 * later), Step::Answered(i))));
        }
        Ok(())
    }

    /// The customer writes back, if they do: what the generator made them write, or that it works where the desk closed the ticket and
    /// nobody opened it again.
    fn answer(&mut self, i: usize, stage: &mut Stage) -> Result<(), Failure> {
        let (ticket, now) = (self.cases[i].ticket, stage.clock.now());
        let draw =
            ticket.id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
                % 100;
        let text = match draw {
            _ if ticket.reopened == Some(true) => "It still does not work.",
            0..=79 => "It works now, thank you very much.",
            80..=87 => "Thanks!",
            88..=91 => "Thank you. Could you also look at the printer?",
            _ => return Ok(()),
        };
        self.played.answers += 1;
        if let Some(through) = &mut self.through {
            through.answer(ticket, text, now);
            let read = through.poll_after(now);
            self.steps.push(Reverse((read, Step::Polled)));
            return Ok(());
        }
        let answer = serde_json::json!({
            "ticket_id": ticket.id, "customer": ticket.customer, "key": "answer", "at": now, "text": text, "sender": ticket.contact,
        });
        if let Some((_, why)) = stage.service.answers(&[answer])?.first() {
            return Err(
                InternalError::new(format!("the answer in ticket {} was refused: {why}", ticket.id)).into()
            );
        }
        self.steps.push(Reverse((now + stage.held(), Step::Acted)));
        Ok(())
    }

    /// The customer sees that a reply was wrong, and a person confirms it.
    fn error(&mut self, i: usize, stage: &Stage) -> Result<(), Failure> {
        let (ticket, now) = (self.cases[i].ticket, stage.clock.now());
        let incident = NewIncident {
            key: format!("demo-{}", ticket.id),
            ticket_id: Some(self.number(i).to_owned()),
            customer: Some(ticket.customer_key()),
            decision: None,
            action: None,
            at: now,
            kind: "correction".to_owned(),
            severity: "medium".to_owned(),
            sla_credit: false,
            credit_amount: None,
            state: IncidentState::Confirmed,
            by: firstline_store::Author {
                person: "Mira Manager".to_owned(),
                actor: "command:demo".to_owned(),
            },
            reason: Some("the play says that it was wrong".to_owned()),
        };
        stage.store.add_incidents(&[incident], &CustomerSet::All, now)?;
        self.played.errors += 1;
        Ok(())
    }

    /// The end of a ticket is told, with all that happened to it.
    fn end(&mut self, i: usize, stage: &mut Stage) -> Result<(), Failure> {
        let case = &mut self.cases[i];
        if std::mem::replace(&mut case.told, true) {
            return Ok(());
        }
        let mut ticket = case.ticket.clone();
        let mut events = trail(&ticket);
        if let Some(at) = case.answered {
            help(&mut ticket, &mut events, at);
        }
        if let Some(at) = case.closed {
            close(&mut ticket, &mut events, at);
        }
        // What happens after it was told is told by nobody: the play ends a ticket once.
        let now = stage.clock.now();
        events.retain(|event| event.at <= now);
        let merged_into = ticket.extra_str("merged_into").map(str::to_owned);
        let resolved_at = ticket.resolved_at;
        let record = Record { ticket, closed: true, merged_into, resolved_at, ..Record::default() };
        let history = History { events, complete: true, unread: Vec::new() };
        let closing = stage.rules.tiers.closed.iter().map(|status| status.to_lowercase()).collect();
        let told = stage.service.events(&events_of(&record, &history))?;
        let ended = stage.service.feedback(&[feedback_of(&record, &history, (&closing, now))])?;
        if let Some((_, why)) = told.iter().chain(&ended).next() {
            return Err(InternalError::new(format!(
                "the end of ticket {} was refused: {why}",
                record.ticket.id
            ))
            .into());
        }
        self.played.ended += 1;
        Ok(())
    }
}

/// Whether the whole desk is back in shadow: there the gate to autonomous is not asked.
fn backed_out(stage: &Stage) -> Result<bool, Failure> {
    let everywhere = GrantScope::default();
    let holds = stage.store.holds(true)?;
    Ok(holds.iter().any(|hold| hold.level >= Hold::BackOut && hold.scope == everywhere))
}

/// All that happened to a generated ticket.
fn trail(ticket: &Ticket) -> Vec<Event> {
    let events = ticket.extra.get("events").cloned().unwrap_or_default();
    serde_json::from_value(events).unwrap_or_default()
}

fn is_reply(event: &Event) -> bool {
    event.actor_kind == ActorKind::Technician
        && matches!(event.what, Happening::Message { visible: true, automatic: false, .. })
}

/// When a technician first answered.
fn first_reply(events: &[Event]) -> Option<Timestamp> {
    events.iter().filter(|event| is_reply(event)).map(|event| event.at).min()
}

/// Firstline's reply takes the place of the technician's first, and the rest takes a part of its minutes.
fn help(ticket: &mut Ticket, events: &mut Vec<Event>, at: Timestamp) {
    if let Some(first) = first_reply(events) {
        events.retain(|event| !(is_reply(event) && event.at == first));
        ticket.messages.retain(|message| !(message.from == "technician" && message.at == Some(first)));
    }
    for event in events.iter_mut() {
        if let Happening::TimeEntry { seconds, .. } = &mut event.what {
            *seconds *= HELPED;
        }
    }
    events.push(Event {
        psa_key: "firstline".to_owned(),
        at,
        actor: None,
        actor_kind: ActorKind::Firstline,
        what: Happening::Message { visible: true, automatic: false, text_key: None },
    });
    events.sort_by_key(|event| event.at);
}

/// Firstline closed it: what the desk's people would have done did not happen.
fn close(ticket: &mut Ticket, events: &mut Vec<Event>, at: Timestamp) {
    events.retain(|event| event.actor_kind != ActorKind::Technician && event.at <= at);
    ticket.messages.retain(|message| message.from != "technician");
    ticket.resolved_at = Some(at);
    let what = Happening::Change {
        of: Changed::Status,
        from: Some("New".to_owned()),
        to: Some("Closed".to_owned()),
    };
    let actor_kind = ActorKind::Firstline;
    events.push(Event { psa_key: "firstline-closed".to_owned(), at, actor: None, actor_kind, what });
}

/// The first look at the desk from `at` on at which it is open.
fn open_at(stage: &Stage, at: Timestamp) -> Timestamp {
    let is_open = |at: &Timestamp| stage.rules.hours.seconds(*at, *at + SignedDuration::from_mins(1)) > 0.0;
    let looks = std::iter::successors(Some(at), |at| Some(*at + LOOK));
    looks.take(LOOKS).find(is_open).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, actor_kind: ActorKind, what: Happening) -> Event {
        let at = Timestamp::from_second(1_800_000_000 + second).unwrap();
        Event { psa_key: second.to_string(), at, actor: None, actor_kind, what }
    }

    #[test]
    fn a_reply_of_firstlines_takes_the_place_of_the_technicians_first() {
        let message = |second, by, visible| {
            event(second, by, Happening::Message { visible, automatic: false, text_key: None })
        };
        let entry = Happening::TimeEntry { seconds: 600.0, visible: false };
        let mut events = vec![
            message(10, ActorKind::Technician, false),
            message(900, ActorKind::Technician, true),
            event(900, ActorKind::Technician, entry),
            message(1_800, ActorKind::Technician, true),
        ];
        let at = Timestamp::from_second(1_800_000_000 + 60).unwrap();
        help(&mut Ticket::default(), &mut events, at);
        let kinds: Vec<(ActorKind, i64)> =
            events.iter().map(|one| (one.actor_kind, one.at.as_second() - 1_800_000_000)).collect();
        let technician = ActorKind::Technician;
        assert_eq!(
            kinds,
            [(technician, 10), (ActorKind::Firstline, 60), (technician, 900), (technician, 1_800)]
        );
        assert_eq!(events[2].what, Happening::TimeEntry { seconds: 600.0 * HELPED, visible: false });
        assert_eq!(first_reply(&events).map(|at| at.as_second() - 1_800_000_000), Some(1_800));
    }
}
