//! One round: what changed since the last one, and then what was approved.
//!
//! The watermark moves only once the whole list was read and the service has all of it. A round that breaks off is done again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use firstline_fault::Result;
use firstline_ticket::{Clock, Field, Message, Ticket};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answers::answers_of;
use super::api::{Leased, Service};
use super::cursor::{Cursor, OpenTicket};
use super::outbox;
use super::outcome::{events_of, feedback_of};
use super::sweep;
use crate::automation::Automation;
use crate::connector::{Connector, History, Record, Seen};

/// Tickets that are read before they are sent on.
pub(super) const PART: usize = 32;
/// A ticket that changed so long after it was opened may have been changed by a person before it was ever read.
const UNTOUCHED: SignedDuration = SignedDuration::from_secs(5);
/// Tickets that fail in a row before the PSA is taken to be out of order.
const STRIKES: u32 = 3;
/// Lines of histories that are kept of a round.
const MOST_UNREAD: usize = 1_000;
/// How far a PSA's clock may be ahead of this machine's.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// Bytes of a ticket's texts, and messages of it, that are sent: a whole part keeps within what a service takes.
const MOST_SUBJECT: usize = 4 << 10;
const MOST_TEXT: usize = 128 << 10;
const MOST_MESSAGE: usize = 8 << 10;
const MOST_MESSAGES: usize = 32;

/// How a connection is run.
#[derive(Debug, Clone)]
pub struct RoundSettings {
    /// Its name.
    pub name: String,
    /// This process, as others see it.
    pub owner: String,
    /// From when on tickets are read where none was before.
    pub start: Timestamp,
    /// How far before the watermark changes are asked for again.
    pub overlap: SignedDuration,
    /// Seconds that the lease holds.
    pub lease_seconds: u32,
    /// What may be written; nothing where it is `None`.
    pub write: Option<WriteSettings>,
    /// Statuses that close a ticket, in lower case; without them nobody knows whether tickets were opened again.
    pub closing: BTreeSet<String>,
    /// The time that the PSA's changes are compared with.
    pub clock: Clock,
}

/// What may be written to the PSA, and how.
#[derive(Debug, Clone, Default)]
pub struct WriteSettings {
    /// Replies are visible to the customer; else they are internal notes.
    pub visible_replies: bool,
    /// The status with which a ticket is closed whose customer has confirmed that it is done; without it none is.
    pub close_status: Option<String>,
    /// The status with which a ticket is opened again whose customer says that it is not done; without it none is.
    pub reopen_status: Option<String>,
    /// What runs the desk's own automations; without it none does.
    pub automation: Option<Automation>,
}

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// Another process has the lease: nothing was done.
    pub other: Option<String>,
    /// Changes that were listed and not known.
    pub changed: usize,
    /// Tickets that were sent to triage.
    pub decided: usize,
    /// Tickets whose end was told.
    pub ended: usize,
    /// Tickets that were listed and are gone, or out of sight.
    pub gone: usize,
    /// Actions that were done.
    pub written: usize,
    /// Actions that went back, since the ticket was changed meanwhile.
    pub returned: usize,
    /// What went wrong with single tickets and actions: they are tried again.
    pub faults: Vec<String>,
    /// Lines of histories that were not understood.
    pub unread: usize,
    /// The first thousand of them, each with its ticket.
    pub unread_lines: Vec<(String, String)>,
    /// The PSA's list of the last day's tickets, where it was sent: how many it holds, and how many of them have no decision.
    pub listed: Option<(usize, usize)>,
}

/// Does one round with the tickets that changed, as long as `go_on`.
///
/// A ticket that can't be read, or that the service refuses, harms no other: it comes again in the next rounds.
///
/// # Errors
/// When the PSA or the service can't be asked. What was done stands, and the next round goes on from the same place.
pub fn round(
    psa: &mut dyn Connector,
    service: &mut Service,
    settings: &RoundSettings,
    go_on: &dyn Fn() -> bool,
) -> Result<Round> {
    let mut done = Round::default();
    let mut cursor = match service.lease(&settings.name, &settings.owner, settings.lease_seconds, None)? {
        Leased::Held(cursor) => *cursor,
        Leased::Other(who) => return Ok(Round { other: Some(who), ..done }),
    };
    let began = settings.clock.now();
    cursor.begin(settings.start, began);
    let mut todo: Vec<Seen> = Vec::new();
    let (mut latest, mut ahead) = (cursor.watermark, 0);
    psa.changed_since(cursor.since(settings.start, settings.overlap), &mut |seen| {
        // A time in the future would hide every change until then.
        let at = seen.at.min(began.checked_add(SKEW).unwrap_or(began));
        ahead += usize::from(at < seen.at);
        latest = latest.max(Some(at));
        // One that failed comes when it is due, among its like.
        if !cursor.knows(&seen) && !cursor.retries.contains_key(&seen.id) {
            todo.push(seen);
        }
        Ok(())
    })?;
    if ahead > 0 {
        done.faults.push(format!("{ahead} tickets have a change time in the future; check the clocks"));
    }
    // The newest first: a first draft is due within a minute, and what waited has waited already.
    todo.sort_by(|a, b| b.opened_at.cmp(&a.opened_at).then_with(|| b.at.cmp(&a.at)));
    let mut had = BTreeSet::new();
    todo.retain(|seen| had.insert(seen.id.clone()));
    done.changed = todo.len();
    if let Some(other) = renew(service, settings, None)? {
        return Ok(Round { other: Some(other), ..done });
    }
    let mut acted = Instant::now();
    for part in todo.chunks(PART) {
        if !go_on() {
            return Ok(done);
        }
        let part = Asked { settings, part, latest, go_on };
        let result = read(psa, service, &part, &mut cursor, &mut done);
        if let Some(other) = renew(service, settings, Some(&mut cursor))? {
            return Ok(Round { other: Some(other), ..done });
        }
        result?;
        // What was approved does not wait for a backlog.
        if let Some(write) = settings.write.as_ref().filter(|_| acted.elapsed() > outbox::EVERY) {
            outbox::act(psa, service, (settings, write, go_on), &mut cursor, &mut done)?;
            acted = Instant::now();
        }
    }
    if !go_on() {
        return Ok(done);
    }
    // What changed while the list was read may stand on a page that was read before: the list is only sure up to its beginning.
    let listed = settings.clock.now().duration_since(began);
    cursor.advance(latest.and_then(|at| at.checked_sub(listed).ok()).max(cursor.watermark), settings.overlap);
    if let Some(other) = renew(service, settings, Some(&mut cursor))? {
        return Ok(Round { other: Some(other), ..done });
    }
    if let Some(write) = settings.write.as_ref().filter(|_| go_on()) {
        outbox::act(psa, service, (settings, write, go_on), &mut cursor, &mut done)?;
    }
    once_more(psa, service, (settings, began, &had, go_on), &mut cursor, &mut done)?;
    if cursor.sweep_due.is_none_or(|due| due <= began) && go_on() {
        // A list that can't be had now can be had in an hour: the tickets don't wait for it.
        if let Err(error) = sweep::sweep(psa, service, (settings, go_on), &mut cursor, &mut done) {
            cursor.sweep_due = began.checked_add(SignedDuration::from_hours(1)).ok();
            done.faults.push(format!("the day's list of tickets: {error}"));
        }
    }
    renew(service, settings, Some(&mut cursor))?;
    Ok(done)
}

/// Reads tickets that failed before, and open ones whose turn it is, one by one: those that fail again fail nothing else.
fn once_more(
    psa: &mut dyn Connector,
    service: &mut Service,
    (settings, began, had, go_on): (&RoundSettings, Timestamp, &BTreeSet<String>, &dyn Fn() -> bool),
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let open = cursor.open.len();
    let retries: Vec<String> = cursor.due(began);
    let looks = cursor.look_again(began);
    let mut failed = 0;
    for (n, id) in retries.iter().take(PART).chain(&looks).enumerate() {
        if failed >= STRIKES || !go_on() {
            break;
        }
        if !had.contains(id) {
            let before = done.faults.len();
            let part = Asked { settings, part: &[due(id)], latest: cursor.watermark, go_on };
            read(psa, service, &part, cursor, done)?;
            failed = if done.faults.len() > before { failed + 1 } else { 0 };
        }
        if n >= retries.len().min(PART) {
            cursor.looked_at(id, open);
        }
    }
    Ok(())
}

/// Renews the lease and keeps the cursor; gives who else has it by now.
pub(super) fn renew(
    service: &mut Service,
    settings: &RoundSettings,
    cursor: Option<&mut Cursor>,
) -> Result<Option<String>> {
    match service.lease(&settings.name, &settings.owner, settings.lease_seconds, cursor)? {
        Leased::Held(_) => Ok(None),
        Leased::Other(who) => Ok(Some(who)),
    }
}

/// A ticket that has to come again, of which nothing is known but its id.
pub(super) fn due(id: &str) -> Seen {
    let (version, at) = (String::new(), Timestamp::UNIX_EPOCH);
    Seen { id: id.to_owned(), version, at, opened_at: None, customer: None }
}

/// Whether an id is one that a PSA gives: a number, and never a path.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() < 20 && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// What was read of a part.
#[derive(Default)]
struct Part {
    open: Vec<Ticket>,
    ended: Vec<Value>,
    answers: Vec<Value>,
    events: Vec<Value>,
    known: Vec<(Seen, Option<OpenTicket>)>,
    /// Tickets that have to come again.
    again: BTreeSet<String>,
    /// Tickets that are none for triage, such as those of projects and those that are gone, with their opening.
    out: Vec<(String, Option<Timestamp>)>,
}

/// What is read.
pub(super) struct Asked<'a> {
    /// How the connection is run.
    pub(super) settings: &'a RoundSettings,
    /// The tickets.
    pub(super) part: &'a [Seen],
    /// The latest change that the PSA has told of.
    pub(super) latest: Option<Timestamp>,
    /// Whether to go on.
    pub(super) go_on: &'a dyn Fn() -> bool,
}

/// Reads tickets and sends them on: open ones to triage, those that ended to feedback.
///
/// # Errors
/// When the PSA seems to be out of order: what was read before has been sent on by then.
pub(super) fn read(
    psa: &mut dyn Connector,
    service: &mut Service,
    asked: &Asked<'_>,
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let settings = asked.settings;
    let now = settings.clock.now();
    let mut renewed = Instant::now();
    let part: Vec<&Seen> = asked.part.iter().filter(|seen| is_id(&seen.id)).collect();
    psa.expect(&part.iter().map(|seen| seen.id.clone()).collect::<Vec<_>>())?;
    let (mut found, mut failed, mut down) = (Part::default(), 0, None);
    for seen in part.into_iter().take_while(|_| (asked.go_on)()) {
        // A slow PSA must not cost the lease.
        if renewed.elapsed().as_secs() >= u64::from(settings.lease_seconds / 3) {
            renewed = Instant::now();
            renew(service, settings, None)?;
        }
        match one(psa, (seen, (&settings.closing, now)), cursor, &mut found, done) {
            Ok(()) => failed = 0,
            // One ticket may be odd; several in a row are a PSA that is out of order.
            Err(error) => {
                failed += 1;
                done.faults.push(format!("ticket {}: {error}", seen.id));
                found.again.insert(seen.id.clone());
                if failed == STRIKES {
                    down = Some(error);
                    break;
                }
            }
        }
    }
    send(service, &mut found, done)?;
    for (seen, held) in found.known {
        if !found.again.contains(&seen.id) {
            cursor.settle(&seen, held, (asked.latest, now));
        }
    }
    found.out.iter().for_each(|(id, opened)| cursor.leave_out(id, *opened));
    for id in cursor.come_again(&found.again, now) {
        done.faults
            .push(format!("ticket {id}: given up after so many attempts; its next change is read again"));
    }
    down.map_or(Ok(()), Err)
}

fn one(
    psa: &mut dyn Connector,
    (seen, about): (&Seen, (&BTreeSet<String>, Timestamp)),
    cursor: &Cursor,
    found: &mut Part,
    done: &mut Round,
) -> Result<()> {
    let Some(record) = psa.ticket(&seen.id)? else {
        done.gone += 1;
        found.out.push((seen.id.clone(), seen.opened_at));
        found.known.push((seen.clone(), None));
        return Ok(());
    };
    let mut held = OpenTicket::of(&record);
    found.answers.extend(answers_of(&record));
    if record.project || record.left_out {
        found.out.push((seen.id.clone(), record.ticket.opened_at));
    }
    // What never came in has no end to tell.
    if (record.project || record.left_out) && !cursor.open.contains_key(&seen.id) {
        found.known.push((seen.clone(), None));
        return Ok(());
    }
    if record.closed || record.merged_into.is_some() {
        let history = psa.history(&seen.id)?;
        done.keep_unread(&seen.id, &history);
        found.ended.push(feedback_of(&record, &history, about));
        found.events.extend(events_of(&record, &history));
        // One that was opened and closed between two rounds, or is another customer's by now, was never decided there: it is now, so that
        // its end can be joined.
        let moved = cursor.open.get(&seen.id).is_none_or(|open| open.customer != held.customer);
        if moved && !record.left_out && !record.project {
            found.open.push(as_it_came(&record));
        }
        found.known.push((seen.clone(), None));
    } else {
        if !record.project && !record.left_out {
            let is_new = !cursor.open.contains_key(&seen.id);
            if is_new && record.opened_by_technician == Some(true) {
                held.leave_all();
            } else if is_new && changed_since_opening(&record) {
                held.leave(&psa.history(&seen.id)?);
            }
            found.open.push(as_it_came(&record));
        }
        found.known.push((seen.clone(), (!record.project).then_some(held)));
    }
    Ok(())
}

/// Whether a person may have changed it before it was ever read.
fn changed_since_opening(record: &Record) -> bool {
    let times = record.changed_at.zip(record.ticket.opened_at);
    times.is_none_or(|(changed, opened)| changed.duration_since(opened) > UNTOUCHED)
}

impl Round {
    fn keep_unread(&mut self, ticket: &str, history: &History) {
        self.unread += history.unread.len();
        let room = MOST_UNREAD.saturating_sub(self.unread_lines.len());
        self.unread_lines
            .extend(history.unread.iter().take(room).map(|line| (ticket.to_owned(), line.clone())));
    }
}

/// Sends what was read; what is refused comes again.
fn send(service: &mut Service, found: &mut Part, done: &mut Round) -> Result<()> {
    let refused = service.triage(&found.open)?;
    done.decided += found.open.len() - refused.len();
    for (i, why) in refused {
        let id = found.open.get(i).map_or_else(String::new, |ticket| ticket.id.clone());
        done.faults.push(format!("ticket {id}: {why}"));
        found.again.insert(id);
    }
    let id_of = |item: Option<&Value>| {
        item.and_then(|item| item["ticket_id"].as_str()).unwrap_or_default().to_owned()
    };
    for (i, why) in service.events(&found.events)? {
        let id = id_of(found.events.get(i));
        done.faults.push(format!("an event of ticket {id}: {why}"));
        // Not all that happened is on record then.
        for item in found.ended.iter_mut().filter(|item| item["ticket_id"] == id.as_str()) {
            item["history_known"] = false.into();
        }
    }
    let refused = service.feedback(&found.ended)?;
    done.ended += found.ended.len() - refused.len();
    for (i, why) in refused {
        let id = id_of(found.ended.get(i));
        done.faults.push(format!("the end of ticket {id}: {why}"));
        found.again.insert(id);
    }
    // Last: an answer says nothing to a ticket that has just ended.
    for (i, why) in service.answers(&found.answers)? {
        done.faults.push(format!("an answer in ticket {}: {why}", id_of(found.answers.get(i))));
    }
    Ok(())
}

/// The ticket as triage takes it: what was written, not what people have made of it.
fn as_it_came(record: &Record) -> Ticket {
    // The newest messages: a thread may have hundreds.
    let messages = &record.ticket.messages[record.ticket.messages.len().saturating_sub(MOST_MESSAGES)..];
    Ticket {
        board: None,
        kind: None,
        subtype: None,
        priority: None,
        technician: None,
        first_response_at: None,
        resolved_at: None,
        resolution: None,
        subject: record.ticket.subject.as_deref().map(|text| cut(text, MOST_SUBJECT)),
        body: record.ticket.body.as_deref().map(|text| cut(text, MOST_TEXT)),
        messages: messages
            .iter()
            .map(|m| Message { text: cut(&m.text, MOST_MESSAGE), ..m.clone() })
            .collect(),
        ..record.ticket.clone()
    }
}

/// The beginning of a text that is too long for a service, and a word that it was cut.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{} [cut]", &text[..text.floor_char_boundary(most)])
}

/// The labels that a ticket is expected to have still. Where nobody knows what stood there, only what is empty may be filled.
pub(super) fn expected(cursor: &Cursor, id: &str) -> BTreeMap<Field, Option<String>> {
    let unknown = || Field::ALL.into_iter().map(|field| (field, None)).collect();
    cursor.open.get(id).map_or_else(unknown, |open| open.labels.clone())
}
