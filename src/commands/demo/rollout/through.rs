//! The desk's PSA as a stand-in: tickets, answers and the technicians' work go into it, and the connect loop alone carries them to the
//! service and writes what is to be done.
//!
//! Must never tell the service anything by itself: what the loop does not carry has not happened.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fakes::Script;
use firstline_fault::InternalError;
use firstline_psa::sync::WriteSettings;
use firstline_store::{Action, ActionState, CustomerSet};
use firstline_ticket::Ticket;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::course::SENT_FROM;
use super::stage::Stage;
use crate::arguments::PsaChoice;
use crate::commands::demo::psa::{Desk, MOST_FAILED, Played, StandIn, poll_after};
use crate::failure::Failure;

/// Done actions that are read at once.
const PAGE: usize = 200;
/// The loop asks right after each opening and each message that customers see. It reads what else people do within this time: weeks of
/// rounds that find nothing new are not played.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// How long people leave a ticket alone that Firstline has answered by itself: its customer writes back within the time, or not.
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(3);

/// The stand-in, the loop, and what is still to happen on the desk.
pub(super) struct Through {
    /// Which PSA it stands in for.
    pub(super) psa: PsaChoice,
    /// The stand-in with the loop.
    pub(super) stand_in: StandIn,
    script: Script,
    /// Since when the loop runs.
    since: Timestamp,
    /// When it last asked.
    asked: Option<Timestamp>,
    /// Rounds that have failed in a row.
    failed: usize,
    /// Numbers in the stand-in by the desk's own ids, and back.
    numbers: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
    /// Actions that were done and told of.
    known: BTreeSet<i64>,
    /// What the loop did.
    pub(super) traffic: Traffic,
}

/// What the loop did.
#[derive(Debug, Default, Serialize)]
pub(super) struct Traffic {
    #[serde(flatten)]
    read: Played,
    /// Actions that it wrote.
    written: usize,
    /// Actions that went back, since somebody had changed the ticket.
    returned: usize,
}

/// What came of a round.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// Tickets that the desk has opened since the last one, by its own ids.
    pub(super) opened: Vec<String>,
    /// Ends that were told.
    pub(super) ended: usize,
    /// Actions that were done, in their order.
    pub(super) done: Vec<Action>,
    /// Whether the loop has to ask again soon: something failed, or was written and is to be read.
    pub(super) again: bool,
}

impl Through {
    /// Starts the stand-in for the desk's PSA; the loop reads it from the week on in which tickets are sent.
    pub(super) fn start(psa: PsaChoice, stage: &Stage, desk: &Desk) -> Result<Self, Failure> {
        let since = desk
            .week_begins(SENT_FROM)
            .ok_or_else(|| InternalError::new("the play has no week in which tickets are sent"))?;
        // Grants alone say what is done: the loop may write from the first day on.
        let write = WriteSettings {
            visible_replies: true,
            close_status: Some(closed(psa).to_owned()),
            reopen_status: Some("In Progress".to_owned()),
            automation: None,
        };
        let stand_in = StandIn::start(psa, (&stage.clock, since), Some(write))?;
        // What was opened before the loop runs is not the programme's, and is in no list of the PSA's that the loop sends.
        let is_sent = |ticket: &&Ticket| ticket.opened_at.is_some_and(|at| at >= since);
        let sent: Vec<Ticket> = desk.played.iter().filter(is_sent).cloned().collect();
        let script = Script::of(&sent);
        stand_in.fake.world(|world| script.furnish(world));
        Ok(Self {
            psa,
            stand_in,
            script,
            since,
            asked: None,
            failed: 0,
            numbers: BTreeMap::new(),
            ids: BTreeMap::new(),
            known: BTreeSet::new(),
            traffic: Traffic::default(),
        })
    }

    /// A ticket's number in the PSA, by the desk's own id.
    pub(super) fn number(&self, id: &str) -> Option<&str> {
        self.numbers.get(id).map(String::as_str)
    }

    /// The desk's own id of the ticket of that number in the PSA.
    pub(super) fn id(&self, number: &str) -> Option<&str> {
        self.ids.get(number).map(String::as_str)
    }

    /// When the loop asks first after `at`.
    pub(super) fn poll_after(&self, at: Timestamp) -> Timestamp {
        poll_after(self.since, at.max(self.since))
    }

    /// When it next has something to read of what people and customers do.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.script.next_due(PATIENCE).map(|at| self.poll_after(at.max(now)))
    }

    /// Lets happen on the desk what is due, and the loop ask once; `None` where it has asked at `at` already.
    pub(super) fn poll(&mut self, at: Timestamp, stage: &mut Stage) -> Result<Option<Came>, Failure> {
        if self.asked.is_some_and(|asked| asked >= at) {
            return Ok(None);
        }
        self.asked = Some(at);
        let mut came = Came { opened: self.play(), ..Came::default() };
        let round = self.stand_in.round(&mut stage.service);
        if let Ok(done) = &round {
            came.ended = done.ended;
            came.again = done.written + done.returned + done.faults.len() > 0;
            self.traffic.written += done.written;
            self.traffic.returned += done.returned;
        }
        if self.traffic.read.add(round) {
            self.failed = 0;
        } else {
            (self.failed, came.again) = (self.failed + 1, true);
        }
        if self.failed > MOST_FAILED {
            let why = self.traffic.read.faults.last().cloned().unwrap_or_default();
            return Err(InternalError::new(format!("no round of the loop gets through: {why}")).into());
        }
        came.done = self.newly_done(stage)?;
        Ok(Some(came))
    }

    /// Plays what is due; gives the tickets that were opened.
    fn play(&mut self) -> Vec<String> {
        let Self { stand_in, script, numbers, ids, .. } = self;
        let (steps, opened) = stand_in.fake.world(|world| {
            let now = world.now();
            let due = script.steps.iter().take_while(|step| step.at < now).filter(|step| step.opens());
            let opened: Vec<String> = due.map(|step| step.ticket.clone()).collect();
            let steps = script.play(world, now);
            for id in &opened {
                if let Some(number) = world.by_name.get(id).map(ToString::to_string) {
                    ids.insert(number.clone(), id.clone());
                    numbers.insert(id.clone(), number);
                }
            }
            (steps, opened)
        });
        self.traffic.read.steps += steps;
        opened
    }

    /// Actions that were done since it was last asked, oldest first.
    fn newly_done(&mut self, stage: &Stage) -> Result<Vec<Action>, Failure> {
        let page = stage.store.actions(Some(ActionState::Done), &CustomerSet::All, None, PAGE)?;
        let mut done: Vec<Action> =
            page.items.into_iter().filter(|action| self.known.insert(action.id)).collect();
        done.sort_by_key(|action| action.id);
        Ok(done)
    }

    /// A customer writes.
    pub(super) fn answer(&mut self, ticket: &Ticket, text: &str, at: Timestamp) {
        self.script.answer(ticket, text, at);
    }

    /// Firstline has answered: the technician's first reply falls out, and the rest takes `part` of its minutes.
    pub(super) fn relieve(&mut self, ticket: &Ticket, part: f64) {
        self.script.relieve(&ticket.id, part);
    }

    /// Firstline has answered by itself: the desk's people leave the ticket to its customer for a while.
    pub(super) fn leave_alone(&mut self, ticket: &Ticket) {
        self.script.postpone(&ticket.id, LEFT_ALONE);
    }

    /// Firstline has closed a ticket: the desk's people have nothing left to do.
    pub(super) fn cancel(&mut self, ticket: &Ticket) {
        self.script.cancel(&ticket.id);
    }

    /// Firstline has set labels: the technician who closes the ticket looks at them.
    pub(super) fn label(&mut self, ticket: &Ticket) {
        self.script.label(ticket);
    }
}

/// The PSA's own name of the status in which tickets are closed.
fn closed(psa: PsaChoice) -> &'static str {
    match psa {
        PsaChoice::Autotask => "Complete",
        PsaChoice::Connectwise | PsaChoice::Halo => "Closed",
    }
}
