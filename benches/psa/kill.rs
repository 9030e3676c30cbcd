//! The same day in assist: a reviewer approves what is drafted, and `connect` is killed again and again, also right after it has written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firstline_fakes::{Fake, Id, Which};
use firstline_store::{Action, ActionKind, ActionState, CustomerSet, Store};
use firstline_ticket::{mark_own_note, own_mark};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::day::{WRITE, settle, tell_day, title};
use crate::running::{Connect, Service};
use crate::score::Score;
use crate::{Stage, furnished, troubles};

/// A kill so soon after a write has hit a process that was at it.
const AT_IT: SignedDuration = SignedDuration::from_millis(100);

pub(crate) fn run(stage: &Stage, which: Which) -> Score {
    let (dir, fake) = (tempfile::tempdir().expect("a temporary folder"), furnished(stage, which));
    let service = Service::start(dir.path(), &stage.bundle, "assist");
    let options = &stage.options;
    let mut connect = Connect::start(dir.path(), &service, (which, &fake), (options.poll, WRITE));
    troubles::on(&fake, options.seed);
    let day = stage.desk.day(options.minutes);
    let mut score = Score::new(title(which, "a day in assist, faults on, connect killed", &day));
    let over = AtomicBool::new(false);
    let approved = std::thread::scope(|scope| {
        let reviewer = scope.spawn(|| review(&service, &over));
        let player = scope.spawn(|| day.play_all(&fake));
        let at_it = kill(stage, &mut connect, &fake);
        score.fact("kills of connect", options.kills);
        score.fact("  of them within 0.1 s after a write", at_it);
        player.join().expect("the day is played");
        score.fact("seconds from the last step until all was on record", settle(stage, &service, &fake));
        let acted = act(stage, &service);
        score.fact("seconds from then until nothing was left to write", acted);
        over.store(true, Ordering::Relaxed);
        reviewer.join().expect("a reviewer")
    });
    connect.kill();
    // A process that is killed all the time may be late.
    tell_day(&mut score, (&service, &fake), None);
    let actions = actions(service.store().as_ref());
    let replies = actions.iter().filter(|action| action.kind == ActionKind::Reply).count();
    score.must_be("drafts approved that have a reply in the outbox", replies, approved);
    outbox(&mut score, &actions, &fake);
    troubles::tell(&mut score, &fake, &connect);
    score
}

/// Approves whatever waits until it is over; gives how many.
fn review(service: &Service, over: &AtomicBool) -> usize {
    let mut approved = 0;
    while !over.load(Ordering::Relaxed) {
        let (_, listed) = service.get("/v1/review?limit=200");
        for item in listed["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let decision = item["decision_id"].as_str().unwrap_or_default();
            // 409: the ticket has changed meanwhile.
            let status = service.review(
                decision,
                &item["version"],
                &json!({"action": "approve", "identity_verified": true}),
            );
            approved += usize::from(status == 200);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    approved
}

/// Kills `connect` at moments drawn by the seed, every other time as soon as it has written; gives how often it was at it.
fn kill(stage: &Stage, connect: &mut Connect, fake: &Fake) -> usize {
    let (mut dice, mut at_it) = (Dice(stage.options.seed), 0);
    let each = stage.options.minutes * 60.0 / stage.options.kills.max(1) as f64;
    for n in 0..stage.options.kills {
        let part = if n % 2 == 1 { 1.0 } else { dice.next() };
        let longest = Duration::from_secs_f64(2.0 * each * part);
        let (began, before) = (Instant::now(), writes(fake));
        // It has to come to something between two kills.
        let at_write = || n % 2 == 1 && began.elapsed().as_secs_f64() > each / 4.0 && writes(fake) > before;
        while began.elapsed() < longest && !at_write() {
            std::thread::sleep(Duration::from_millis(1));
        }
        connect.kill();
        let last = fake.world(|world| Some(world.now().duration_since(world.writes.last()?.at)));
        at_it += usize::from(last.is_some_and(|ago| ago <= AT_IT));
        connect.again();
    }
    at_it
}

fn writes(fake: &Fake) -> usize {
    fake.world(|world| world.writes.len())
}

/// Waits until no action is left to be done, or the time for that is over; gives the seconds.
fn act(stage: &Stage, service: &Service) -> f64 {
    let (began, store) = (Instant::now(), service.store());
    while began.elapsed() < Duration::from_secs(stage.options.settle) {
        let (_, pending) = service.get("/v1/review?limit=1");
        let idle = pending["items"].as_array().is_some_and(Vec::is_empty);
        if idle && !actions(store.as_ref()).iter().any(is_open) {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    began.elapsed().as_secs_f64().round()
}

fn is_open(action: &Action) -> bool {
    matches!(action.state, ActionState::Waiting | ActionState::Claimed)
}

fn actions(store: &dyn Store) -> Vec<Action> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = store.actions(None, &CustomerSet::All, before, 100).expect("the outbox");
        before = page.items.last().map(|action| action.id);
        all.extend(page.items);
        if !page.more {
            return all;
        }
    }
}

/// What became of each action, and what of it stands in the PSA.
fn outbox(score: &mut Score, actions: &[Action], fake: &Fake) {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    actions
        .iter()
        .for_each(|action| *states.entry(format!("{:?}", action.state).to_lowercase()).or_default() += 1);
    score.fact("actions that were approved, by state", json!(states));
    let over = |action: &&Action| !is_open(action);
    let told = |action: &&Action| action.state == ActionState::Done || action.fault.is_some();
    let silent: Vec<String> = actions.iter().filter(over).filter(|action| !told(action)).map(named).collect();
    score.none("actions neither done nor with a word why not", &silent);
    let open: Vec<String> = actions.iter().filter(|action| is_open(action)).map(named).collect();
    score.none("actions still under way when the time was over", &open);
    let mut marks: BTreeMap<(String, String), usize> = BTreeMap::new();
    fake.world(|world| {
        for note in world.notes.values() {
            if let Some(mark) = own_mark(&note.text) {
                *marks.entry((note.ticket.to_string(), mark.to_owned())).or_default() += 1;
            }
        }
    });
    let replies: Vec<(&Action, (String, String))> =
        actions.iter().filter_map(|action| Some((action, place(action)?))).collect();
    let there = |place: &(String, String)| marks.get(place).copied().unwrap_or_default();
    let done = replies.iter().filter(|(action, _)| action.state == ActionState::Done);
    let missing: Vec<String> =
        done.clone().filter(|(_, place)| there(place) == 0).map(|(action, _)| named(action)).collect();
    score.fact("replies that were done", done.count());
    score.none("replies done that the PSA does not have", &missing);
    let twice: Vec<String> = marks
        .iter()
        .filter(|(_, n)| **n > 1)
        .map(|((ticket, mark), n)| format!("{n} times {mark} in {ticket}"))
        .collect();
    score.none("replies that the PSA has twice", &twice);
    let strange = marks.keys().filter(|place| !replies.iter().any(|(_, known)| known == *place));
    score.none(
        "replies in the PSA that nobody approved",
        &strange.map(|(ticket, mark)| format!("{mark} in {ticket}")).collect::<Vec<_>>(),
    );
    score.none("labels written more often than approved", &labels(actions, fake));
}

fn named(action: &Action) -> String {
    let why = action.fault.as_deref().unwrap_or("no word");
    format!(
        "{:?} of {} {:?} after {} claims: {why}",
        action.kind, action.ticket_id, action.state, action.attempts
    )
}

/// The ticket of a reply and the mark that it carries.
fn place(action: &Action) -> Option<(String, String)> {
    let text = action.payload["text"].as_str().filter(|_| action.kind == ActionKind::Reply)?;
    Some((action.ticket_id.clone(), own_mark(&mark_own_note(text, action.id))?.to_owned()))
}

/// Tickets whose labels were written more often than there are actions for it, with what others did from the first write on: a write of
/// labels that a person has put back is one too many, too.
fn labels(actions: &[Action], fake: &Fake) -> Vec<String> {
    let mut approved: BTreeMap<String, usize> = BTreeMap::new();
    let sets = actions.iter().filter(|action| action.kind == ActionKind::SetFields);
    sets.for_each(|action| *approved.entry(action.ticket_id.clone()).or_default() += 1);
    let notes = ["notes", "actions", "timeentries"];
    let is_note = |what: &str| notes.iter().any(|part| what.to_lowercase().contains(part));
    fake.world(|world| {
        let mut written: BTreeMap<Id, Vec<Timestamp>> = BTreeMap::new();
        for write in world.writes.iter().filter(|write| !is_note(&write.what)) {
            written.entry(write.ticket).or_default().push(write.at);
        }
        let allowed = |ticket: &Id| approved.get(&ticket.to_string()).copied().unwrap_or_default();
        written.retain(|ticket, times| times.len() > allowed(ticket));
        let mut told = Vec::new();
        for (ticket, times) in written {
            let since = |at: Timestamp| at.duration_since(times[0]).as_secs_f64();
            let mut course: Vec<(f64, String)> =
                times.iter().map(|at| (since(*at), "written".to_owned())).collect();
            let others =
                world.changes.iter().filter(|change| change.ticket == ticket && change.at >= times[0]);
            course.extend(others.map(|change| {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                let (from, to) = (text(&change.from), text(&change.to));
                (since(change.at), format!("{:?} {from} -> {to} by {:?}", change.deed, change.by))
            }));
            course.sort_by(|a, b| a.0.total_cmp(&b.0));
            let course: Vec<String> = course.iter().map(|(at, what)| format!("{at:.2} s {what}")).collect();
            told.push(format!("{ticket}, {} approved: {}", allowed(&ticket), course.join(", ")));
        }
        told
    })
}

/// Numbers in [0, 1) by a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
